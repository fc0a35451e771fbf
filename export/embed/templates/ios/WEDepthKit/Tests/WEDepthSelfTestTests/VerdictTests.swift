import WEDepthGeometry
import XCTest

@testable import WEDepthSelfTest

/// What the self-test says of depth: right, or wrong in words. What needs the model itself is in WEDepthKitTests.
final class VerdictTests: XCTestCase {
    private var golden: Golden!

    override func setUpWithError() throws {
        golden = try Golden.bundled()
    }

    func testGoldenDepthPasses() {
        XCTAssertTrue(verdict { $0 }.passed)
    }

    func testDepthWithinTheTolerancePasses() {
        let tolerance = golden.facts.tolerance
        let within = Float(1 + 0.5 * min(tolerance.meanRel, tolerance.maxRel ?? .infinity))
        XCTAssertTrue(verdict { $0 * within }.passed)
    }

    func testMillimetresAreNamed() {
        let verdict = verdict { 1000 * $0 }
        XCTAssertEqual(verdict.mistakes, ["scale"], verdict.sentence)
        XCTAssertTrue(verdict.sentence.contains("1000 times"), verdict.sentence)
    }

    func testLogarithmsAreNamed() {
        let verdict = verdict { log($0) }
        XCTAssertFalse(verdict.passed)
        XCTAssertTrue(verdict.mistakes.contains("log"), verdict.sentence)
        XCTAssertTrue(verdict.sentence.contains("logarithm"), verdict.sentence)
    }

    func testValuesThatAreNotNumbersAreNamed() {
        let verdict = verdict { _ in .nan }
        XCTAssertFalse(verdict.passed)
        XCTAssertTrue(verdict.sentence.contains("not numbers"), verdict.sentence)
    }

    func testADepthMapOnItsSideIsNamed() throws {
        try XCTSkipIf(golden.depth.width == golden.depth.height, "A square looks the same on its side.")
        let turned = DepthMap(width: golden.depth.height, height: golden.depth.width, metres: golden.depth.metres)
        let verdict = golden.verdict(on: turned)
        XCTAssertEqual(verdict.mistakes, ["rotated"], verdict.sentence)
    }

    func testEveryMistakeIsOutsideOfTheTolerance() {
        for (name, mistake) in golden.facts.mistakes {
            XCTAssertGreaterThan(mistake.meanRel, golden.facts.tolerance.meanRel, name)
        }
    }

    private func verdict(_ change: (Float) -> Float) -> Verdict {
        let depth = golden.depth
        return golden.verdict(
            on: DepthMap(width: depth.width, height: depth.height, metres: depth.metres.map(change)))
    }
}
