// What the package uses of Video Toolbox, as Apple declares it: to check types against, nothing runs.
@_exported import CoreVideo

public func VTCreateCGImageFromCVPixelBuffer(
    _ buffer: CVPixelBuffer, options: CFDictionary?, imageOut: UnsafeMutablePointer<CGImage?>
) -> OSStatus { fatalError() }
