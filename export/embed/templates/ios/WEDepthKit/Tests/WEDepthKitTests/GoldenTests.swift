import CoreGraphics
import CoreML
import Foundation
import ImageIO
import WEDepthGeometry
import WEDepthSelfTest
import XCTest

@testable import WEDepthKit

/// The model of this bundle in Core ML, on the golden image: as it should be, and with integrations' mistakes.
///
/// Runs on a Mac and in the simulator, which read the bundle that this package lies in.
final class GoldenTests: XCTestCase {
    private static let bundle = (1...5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
        url.deletingLastPathComponent()
    }
    private var golden: Golden!
    private var model: DepthModel!
    private var image: Image!

    override func setUp() async throws {
        golden = try Golden.bundled()
        let package = Self.bundle.appendingPathComponent(ModelFacts.artifact)
        // The CPU computes as the reference runtime does; other units round more.
        model = try await DepthModel.load(contentsOf: package, computeUnits: .cpuOnly)
        image = try Image(contentsOf: golden.imageURL)
    }

    func testDepthIsTheGoldenDepth() async throws {
        let verdict = golden.verdict(on: try await model.predict(try image.drawn()))
        XCTAssertTrue(verdict.passed, verdict.sentence)
    }

    func testDepthIsTheGoldenDepthOnWhateverCoreMLChooses() async throws {
        let package = Self.bundle.appendingPathComponent(ModelFacts.artifact)
        let chosen = try await DepthModel.load(contentsOf: package, computeUnits: .all)
        let verdict = golden.verdict(on: try await chosen.predict(try image.drawn()))
        XCTAssertTrue(verdict.passed, verdict.sentence)
    }

    func testAPhotographOnItsSideIsTurnedUpright() async throws {
        // Turned counter-clockwise and labelled so, as a phone held upright stores it.
        let turned = try image.turned(.left).drawn()
        let verdict = golden.verdict(on: try await model.predict(turned, orientation: .right))
        XCTAssertTrue(verdict.passed, verdict.sentence)
    }

    func testExchangedChannelsAreNamed() async throws {
        try await expect("bgr", of: image.exchanged())
    }

    func testTheWrongRangeIsNamed() async throws {
        try await expect("range", of: image.mapped { $0 >= 128 ? 1 : 0 })
    }

    func testAnImageOnItsSideIsNamed() async throws {
        try await expect("rotated", of: image.turned(.left).stretched(to: ModelFacts.size))
    }

    func testAnImageUpsideDownIsNamed() async throws {
        try await expect("flipped", of: image.turned(.downMirrored))
    }

    func testAMirroredImageIsNamed() async throws {
        try await expect("mirrored", of: image.turned(.upMirrored))
    }

    func testTheModelIsTheOneThatTheBundleDescribes() throws {
        for (name, sha256) in ModelFacts.files {
            let file = Self.bundle.appendingPathComponent(name)
            XCTAssertEqual(try hash(of: file), sha256, "\(name) is not the file that this package was generated for.")
        }
    }

    func testAModelThatIsNotThereIsASentence() async {
        do {
            _ = try await DepthModel.load(contentsOf: URL(fileURLWithPath: "/nowhere/model.mlpackage"))
            XCTFail("It loaded.")
        } catch {
            XCTAssertEqual(error.localizedDescription, "There is no model at /nowhere/model.mlpackage.")
        }
    }

    private func expect(_ mistake: String, of changed: Image) async throws {
        let verdict = golden.verdict(on: try await model.predict(try changed.drawn()))
        XCTAssertFalse(verdict.passed, "\(mistake) passed: \(verdict.sentence)")
        XCTAssertTrue(verdict.mistakes.contains(mistake), "\(mistake) was not named: \(verdict.sentence)")
    }
}
