import CoreGraphics
import CoreML
import CoreVideo
import Foundation
import ImageIO
import WEDepthGeometry

public typealias DepthMap = WEDepthGeometry.DepthMap
public typealias Fit = WEDepthGeometry.Fit

/// A depth network in Core ML: images in, metres out.
///
///     let model = try await DepthModel.load(contentsOf: url)
///     let depth = try await model.predict(image, orientation: .right)
///     let metres = depth.depth(at: 120, 80)
///
/// It may be used from several tasks at once.
public final class DepthModel: @unchecked Sendable {
    /// What Core ML was allowed to compute on. Where each operation then runs is its own choice, op by op.
    public let computeUnits: MLComputeUnits
    private let model: MLModel

    private init(model: MLModel, computeUnits: MLComputeUnits) {
        self.model = model
        self.computeUnits = computeUnits
    }

    /// Loads a model.
    ///
    /// - Parameters:
    ///   - url: a compiled model (`.mlmodelc`, as Xcode puts it into an app), or a `.mlpackage`, which is compiled
    ///     first: that takes seconds, so keep what `MLModel.compileModel(at:)` gives if you load it often.
    ///   - computeUnits: what Core ML may use.
    /// - Throws: `DepthError`.
    public static func load(contentsOf url: URL, computeUnits: MLComputeUnits = .all) async throws -> DepthModel {
        guard FileManager.default.fileExists(atPath: url.path) else { throw DepthError.noModel(url.path) }
        let configuration = MLModelConfiguration()
        configuration.computeUnits = computeUnits
        let model: MLModel
        do {
            let compiled = url.pathExtension == "mlmodelc" ? url : try await MLModel.compileModel(at: url)
            model = try await MLModel.load(contentsOf: compiled, configuration: configuration)
        } catch {
            throw DepthError.notLoaded(error.localizedDescription)
        }
        try requireInterface(model.modelDescription)
        return DepthModel(model: model, computeUnits: computeUnits)
    }

    /// Depth of an image.
    ///
    /// - Parameters:
    ///   - image: of any size. Colours are converted to sRGB, which the network was trained on.
    ///   - orientation: how the image lies, as its EXIF data says.
    ///   - fit: how it comes to the model's aspect ratio.
    /// - Returns: metres for every pixel of the upright image.
    /// - Throws: `DepthError`.
    public func predict(
        _ image: CGImage, orientation: CGImagePropertyOrientation = .up, fit: Fit = .letterbox
    ) async throws -> DepthMap {
        try await predict(try PixelSource(image), orientation: orientation, fit: fit)
    }

    /// Depth of a camera's frame. Frames in 32-bit BGRA are read where they are; others are converted first.
    ///
    /// - Parameters:
    ///   - frame: of any size; do not write to it meanwhile.
    ///   - orientation: how the frame lies. A phone held upright gives `.right` unless its capture connection turns it.
    ///   - fit: how it comes to the model's aspect ratio.
    /// - Returns: metres for every pixel of the upright frame.
    /// - Throws: `DepthError`.
    public func predict(
        _ frame: CVPixelBuffer, orientation: CGImagePropertyOrientation = .up, fit: Fit = .letterbox
    ) async throws -> DepthMap {
        try await predict(try PixelSource(frame), orientation: orientation, fit: fit)
    }

    private func predict(
        _ source: PixelSource, orientation: CGImagePropertyOrientation, fit: Fit
    ) async throws -> DepthMap {
        let layout = source.layout.upright(Orientation(orientation))
        let placement = Placement(
            image: Size(width: layout.width, height: layout.height), model: ModelFacts.size, fit: fit)
        let pixels = source.withBytes { resampled($0, layout: layout, placement: placement) }
        let depth = try await run(pixels)
        return restored(depth, placement: placement)
    }

    /// RGB of the model's size, row by row, to metres of the same size.
    private func run(_ pixels: [UInt8]) async throws -> [Float] {
        let input = MLFeatureValue(pixelBuffer: try pixelBuffer(rgb: pixels, size: ModelFacts.size))
        let output: MLFeatureProvider
        do {
            let features = try MLDictionaryFeatureProvider(dictionary: [ModelFacts.inputName: input])
            output = try await model.prediction(from: features)
        } catch {
            throw DepthError.notRun(error.localizedDescription)
        }
        guard let array = output.featureValue(for: ModelFacts.outputName)?.multiArrayValue else {
            throw DepthError.otherModel("it gave no \(ModelFacts.outputName).")
        }
        // Rows of Core ML's arrays may be padded; a shaped array's scalars are not.
        let metres = MLShapedArray<Float>(converting: array).scalars
        guard metres.count == ModelFacts.size.width * ModelFacts.size.height else {
            throw DepthError.otherModel("it gave \(metres.count) values.")
        }
        return metres
    }

    private static func requireInterface(_ description: MLModelDescription) throws {
        let size = ModelFacts.size
        guard let image = description.inputDescriptionsByName[ModelFacts.inputName]?.imageConstraint else {
            throw DepthError.otherModel("it has no image input \(ModelFacts.inputName).")
        }
        guard image.pixelsWide == size.width, image.pixelsHigh == size.height else {
            throw DepthError.otherModel(
                "it takes \(image.pixelsWide)×\(image.pixelsHigh) pixels, not \(size.width)×\(size.height).")
        }
        guard description.outputDescriptionsByName[ModelFacts.outputName]?.multiArrayConstraint != nil else {
            throw DepthError.otherModel("it has no output \(ModelFacts.outputName).")
        }
    }
}

extension Orientation {
    init(_ orientation: CGImagePropertyOrientation) {
        // Both count as EXIF does.
        self = Orientation(rawValue: Int(orientation.rawValue)) ?? .up
    }
}
