import WEDepthSelfTest
import XCTest

@testable import WEDepthGeometry

/// The cases that the reference worked out, which every platform's wrapper is held to.
final class PlacementTests: XCTestCase {
    private var golden: Golden!

    override func setUpWithError() throws {
        golden = try Golden.bundled()
    }

    func testPlacementsAreTheReferences() throws {
        let model = Size(width: golden.facts.width, height: golden.facts.height)
        for example in golden.facts.geometry {
            let fit = try XCTUnwrap(Fit(rawValue: example.fit))
            let image = Size(width: example.upright[0], height: example.upright[1])
            let placement = Placement(image: image, model: model, fit: fit)
            XCTAssertEqual(placement.source.numbers, example.source, "the part of the image that is taken: \(example)")
            XCTAssertEqual(placement.target.numbers, example.model, "where it is put in the input: \(example)")
        }
    }

    func testOrientationsAreTheReferences() throws {
        for example in golden.facts.geometry {
            let orientation = try XCTUnwrap(Orientation(rawValue: example.orientation))
            let layout = stored(width: example.width, height: example.height)
            let upright = layout.upright(orientation)
            XCTAssertEqual(
                [upright.width, upright.height], example.upright, "the size of the upright image: \(example)")
            XCTAssertEqual(upright.offset(example.first), 0, "where the first stored pixel is shown: \(example)")
            XCTAssertEqual(
                upright.offset(example.second), layout.columnStep, "where the second stored pixel is shown: \(example)")
        }
    }

    func testNumbersAreResizedAsTheReferenceDoes() {
        for example in golden.facts.resize {
            let (old, new) = (size(example.from), size(example.to))
            let placement = Placement(imageSize: new, modelSize: old, source: whole(new), target: whole(old))
            let resized = restored(example.values.map(Float.init), placement: placement).metres
            for (got, expected) in zip(resized, example.resized) {
                XCTAssertEqual(Double(got), expected, accuracy: 1e-5, "\(example)")
            }
        }
    }
}

extension PixelLayout {
    fileprivate func offset(_ pixel: [Int]) -> Int {
        origin + pixel[0] * columnStep + pixel[1] * rowStep
    }
}

extension Rectangle {
    fileprivate var numbers: [Int] { [left, top, width, height] }
}

private func size(_ numbers: [Int]) -> Size { Size(width: numbers[0], height: numbers[1]) }

private func whole(_ size: Size) -> Rectangle { Rectangle(left: 0, top: 0, width: size.width, height: size.height) }

private func stored(width: Int, height: Int) -> PixelLayout {
    PixelLayout(width: width, height: height, bytesPerRow: 4 * width, bytesPerPixel: 4, red: 0, green: 1, blue: 2)
}
