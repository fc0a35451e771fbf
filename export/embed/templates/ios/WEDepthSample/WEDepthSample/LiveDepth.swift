import Combine
import CoreGraphics
import CoreML
import Foundation
import ImageIO
import WEDepthKit
import WEDepthSelfTest

/// The camera's frames through the model, one at a time, and what there is to show of them.
@MainActor
final class LiveDepth: ObservableObject {
    /// Depth of a frame, its picture, and how long it took from the camera's pixels to metres.
    struct Reading {
        let depth: DepthMap
        let picture: CGImage
        let milliseconds: Int
    }

    @Published private(set) var reading: Reading?
    /// What is going on, or went wrong, in a sentence.
    @Published private(set) var message = "Loading the model…"
    let scale = ColourScale(near: 0.5, far: 6)
    private let camera = Camera()
    private var model: DepthModel?

    /// Shows depth until the task is cancelled.
    func run() async {
        defer { camera.close() }
        do {
            for await frame in try await camera.open() {
                if let model { try await measure(frame, with: model) }
            }
        } catch {
            message = error.localizedDescription
        }
    }

    /// Loads the model for `units`, in the place of the one before.
    func choose(_ units: MLComputeUnits) async {
        model = nil
        message = "Loading the model…"
        do {
            let loaded = try await DepthModel.load(contentsOf: try modelURL(), computeUnits: units)
            // Another choice may have been made meanwhile.
            guard !Task.isCancelled else { return }
            model = loaded
            message = ""
        } catch {
            message = error.localizedDescription
        }
    }

    /// Runs the golden sample on this very device.
    func test() async {
        do {
            let golden = try Golden.bundled()
            guard let model, let source = CGImageSourceCreateWithURL(golden.imageURL as CFURL, nil),
                let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
            else {
                message = "The golden sample cannot be run: there is no model, or no image."
                return
            }
            message = golden.verdict(on: try await model.predict(image)).sentence
        } catch {
            message = error.localizedDescription
        }
    }

    private func measure(_ frame: Frame, with model: DepthModel) async throws {
        let start = ContinuousClock.now
        let depth = try await model.predict(frame.pixels)
        let duration = ContinuousClock.now - start
        guard let picture = drawing(of: depth, in: scale) else { return }
        reading = Reading(depth: depth, picture: picture, milliseconds: Int(duration / .milliseconds(1)))
    }

    /// Where Xcode put the model that it compiled.
    private func modelURL() throws -> URL {
        let name = ModelFacts.artifact.split(separator: ".").first.map(String.init)
        guard let url = Bundle.main.url(forResource: name, withExtension: "mlmodelc") else {
            throw DepthError.noModel("\(ModelFacts.artifact) in the app")
        }
        return url
    }
}
