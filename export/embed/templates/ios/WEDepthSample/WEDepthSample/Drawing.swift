import CoreGraphics
import Foundation
import WEDepthKit

/// A depth map in colour, pixel for pixel; nil if there is no memory for it.
func drawing(of depth: DepthMap, in scale: ColourScale) -> CGImage? {
    var bytes = [UInt8]()
    bytes.reserveCapacity(4 * depth.metres.count)
    for metres in depth.metres {
        let colour = scale.colour(of: metres)
        bytes.append(contentsOf: [colour.red, colour.green, colour.blue, colour.alpha])
    }
    guard let provider = CGDataProvider(data: Data(bytes) as CFData),
        let space = CGColorSpace(name: CGColorSpace.sRGB)
    else { return nil }
    return CGImage(
        width: depth.width, height: depth.height, bitsPerComponent: 8, bitsPerPixel: 32, bytesPerRow: 4 * depth.width,
        space: space, bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.last.rawValue), provider: provider,
        decode: nil, shouldInterpolate: true, intent: .defaultIntent)
}
