// What the package uses of Core Graphics, as Apple declares it: to check types against, nothing runs.
@_exported import Foundation

public final class CGColorSpace {
    public static let sRGB: CFString = NSString(string: "kCGColorSpaceSRGB")
    public init?(name: CFString) { fatalError() }
}
public typealias CFString = NSString
public enum CGImageAlphaInfo: UInt32 { case none, premultipliedLast, premultipliedFirst, last, first, noneSkipLast }
public enum CGInterpolationQuality: Int32 { case `default`, none, low, medium, high }
public enum CGColorRenderingIntent: Int32 { case defaultIntent }
public struct CGBitmapInfo: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}
public final class CGDataProvider {
    public init?(data: CFData) { fatalError() }
}
public typealias CFData = NSData
public final class CGImage: @unchecked Sendable {
    public init?(
        width: Int, height: Int, bitsPerComponent: Int, bitsPerPixel: Int, bytesPerRow: Int, space: CGColorSpace,
        bitmapInfo: CGBitmapInfo, provider: CGDataProvider, decode: UnsafePointer<CGFloat>?, shouldInterpolate: Bool,
        intent: CGColorRenderingIntent
    ) { fatalError() }
    public var width: Int { fatalError() }
    public var height: Int { fatalError() }
}
public final class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { fatalError() }
    public var interpolationQuality: CGInterpolationQuality { get { fatalError() } set { fatalError() } }
    public func draw(_ image: CGImage, in rectangle: CGRect, byTiling: Bool = false) { fatalError() }
}
