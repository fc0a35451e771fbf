import XCTest

@testable import WEDepthGeometry

final class ResamplingTests: XCTestCase {
    func testAnImageOfTheModelsSizeIsNotChanged() {
        let size = Size(width: 3, height: 2)
        let bytes = (0..<18).map { UInt8(10 * $0) }
        for fit in Fit.allCases {
            let placement = Placement(image: size, model: size, fit: fit)
            XCTAssertEqual(resampled(bytes, size, placement), bytes, "\(fit)")
        }
    }

    func testChannelsAreTakenFromWhereTheyAre() {
        let size = Size(width: 1, height: 1)
        let blueFirst = PixelLayout(
            width: 1, height: 1, bytesPerRow: 4, bytesPerPixel: 4, red: 2, green: 1, blue: 0)
        let placement = Placement(image: size, model: size, fit: .letterbox)
        let bytes: [UInt8] = [30, 20, 10, 255]
        let pixels = bytes.withUnsafeBytes { resampled($0, layout: blueFirst, placement: placement) }
        XCTAssertEqual(pixels, [10, 20, 30])
    }

    func testLetterboxIsGreyBesideTheImage() {
        let (image, model) = (Size(width: 2, height: 2), Size(width: 4, height: 2))
        let pixels = resampled(
            [UInt8](repeating: 7, count: 12), image, Placement(image: image, model: model, fit: .letterbox))
        let row: [UInt8] = [128, 128, 128, 7, 7, 7, 7, 7, 7, 128, 128, 128]
        XCTAssertEqual(pixels, row + row)
    }

    func testAPhotographThatLiesOnItsSideIsTurned() {
        // 1, 2, 3 from the left: turned clockwise they run from the top down.
        let layout = PixelLayout(
            width: 3, height: 1, bytesPerRow: 9, bytesPerPixel: 3, red: 0, green: 1, blue: 2
        ).upright(.right)
        let bytes: [UInt8] = [1, 1, 1, 2, 2, 2, 3, 3, 3]
        let size = Size(width: 1, height: 3)
        let placement = Placement(image: size, model: size, fit: .letterbox)
        XCTAssertEqual(bytes.withUnsafeBytes { resampled($0, layout: layout, placement: placement) }, bytes)
    }

    func testThereIsNoDepthOutsideOfACrop() {
        let (image, model) = (Size(width: 4, height: 2), Size(width: 2, height: 2))
        let depth = restored([1, 2, 3, 4], placement: Placement(image: image, model: model, fit: .crop))
        XCTAssertNil(depth.depth(at: 0, 0))
        XCTAssertEqual(depth.depth(at: 1, 0), 1)
        XCTAssertEqual(depth.depth(at: 2, 1), 4)
        XCTAssertNil(depth.depth(at: 3, 1))
        XCTAssertNil(depth.depth(at: 4, 0))
        XCTAssertEqual(depth.range, 1...4)
    }

    func testDepthUnderTheBordersIsLeftOut() {
        let (image, model) = (Size(width: 2, height: 2), Size(width: 4, height: 2))
        let depth = restored(
            [9, 1, 2, 9, 9, 3, 4, 9], placement: Placement(image: image, model: model, fit: .letterbox))
        XCTAssertEqual(depth.metres, [1, 2, 3, 4])
    }
}

private func resampled(_ bytes: [UInt8], _ size: Size, _ placement: Placement) -> [UInt8] {
    let layout = PixelLayout(
        width: size.width, height: size.height, bytesPerRow: 3 * size.width, bytesPerPixel: 3, red: 0, green: 1, blue: 2
    )
    return bytes.withUnsafeBytes { resampled($0, layout: layout, placement: placement) }
}
