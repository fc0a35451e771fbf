// What the package uses of Image I/O, as Apple declares it: to check types against, nothing runs.
@_exported import CoreGraphics
import Foundation

public enum CGImagePropertyOrientation: UInt32, Sendable {
    case up = 1
    case upMirrored, down, downMirrored, leftMirrored, right, rightMirrored, left
}
public final class CGImageSource {}
public typealias CFURL = NSURL
public func CGImageSourceCreateWithURL(_ url: CFURL, _ options: NSDictionary?) -> CGImageSource? { fatalError() }
public func CGImageSourceCreateImageAtIndex(_ source: CGImageSource, _ index: Int, _ options: NSDictionary?) -> CGImage? {
    fatalError()
}
