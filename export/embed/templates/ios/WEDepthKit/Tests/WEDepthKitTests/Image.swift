import CoreGraphics
import Foundation
import ImageIO

@testable import WEDepthGeometry
@testable import WEDepthKit

/// RGB, row by row: what the tests change on purpose.
struct Image {
    let size: Size
    let rgb: [UInt8]

    init(size: Size, rgb: [UInt8]) {
        self.size = size
        self.rgb = rgb
    }

    init(contentsOf url: URL) throws {
        guard let source = CGImageSourceCreateWithURL(url as CFURL, nil),
            let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
        else { throw DepthError.unreadableImage(url.path) }
        let pixels = try PixelSource(image)
        let whole = Size(width: image.width, height: image.height)
        let placement = Placement(image: whole, model: whole, fit: .letterbox)
        self.init(size: whole, rgb: pixels.withBytes { resampled($0, layout: pixels.layout, placement: placement) })
    }

    func mapped(_ change: (UInt8) -> UInt8) -> Image {
        Image(size: size, rgb: rgb.map(change))
    }

    func exchanged() -> Image {
        Image(size: size, rgb: rgb.indices.map { rgb[$0 + 2 - 2 * ($0 % 3)] })
    }

    /// As an image of this orientation is shown.
    func turned(_ orientation: Orientation) -> Image {
        let layout = layout.upright(orientation)
        return placed(layout, in: Size(width: layout.width, height: layout.height))
    }

    func stretched(to new: Size) -> Image {
        placed(layout, in: new)
    }

    func drawn() throws -> CGImage {
        guard let provider = CGDataProvider(data: Data(rgb) as CFData),
            let space = CGColorSpace(name: CGColorSpace.sRGB),
            let image = CGImage(
                width: size.width, height: size.height, bitsPerComponent: 8, bitsPerPixel: 24,
                bytesPerRow: 3 * size.width, space: space, bitmapInfo: CGBitmapInfo(rawValue: 0), provider: provider,
                decode: nil, shouldInterpolate: false, intent: .defaultIntent)
        else { throw DepthError.unreadableImage("it cannot be drawn.") }
        return image
    }

    private var layout: PixelLayout {
        PixelLayout(
            width: size.width, height: size.height, bytesPerRow: 3 * size.width, bytesPerPixel: 3,
            red: 0, green: 1, blue: 2)
    }

    private func placed(_ layout: PixelLayout, in new: Size) -> Image {
        let placement = Placement(
            imageSize: Size(width: layout.width, height: layout.height), modelSize: new,
            source: Rectangle(left: 0, top: 0, width: layout.width, height: layout.height),
            target: Rectangle(left: 0, top: 0, width: new.width, height: new.height))
        return Image(size: new, rgb: rgb.withUnsafeBytes { resampled($0, layout: layout, placement: placement) })
    }
}
