import CoreGraphics
import CoreVideo
import VideoToolbox
import WEDepthGeometry

/// The pixels of an image where they are in memory, and how they lie there.
struct PixelSource {
    let layout: PixelLayout
    private let storage: Storage

    private enum Storage {
        case bytes([UInt8])
        case frame(CVPixelBuffer)
    }

    /// Draws `image` into sRGB, 8 bits a channel.
    init(_ image: CGImage) throws {
        let (width, height) = (image.width, image.height)
        guard width > 0, height > 0, let space = CGColorSpace(name: CGColorSpace.sRGB) else {
            throw DepthError.unreadableImage("it has no pixels.")
        }
        var bytes = [UInt8](repeating: 0, count: 4 * width * height)
        let drawn = bytes.withUnsafeMutableBytes { memory -> Bool in
            guard
                let context = CGContext(
                    data: memory.baseAddress, width: width, height: height, bitsPerComponent: 8,
                    bytesPerRow: 4 * width, space: space, bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
            else { return false }
            context.interpolationQuality = .none
            context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
            return true
        }
        guard drawn else { throw DepthError.unreadableImage("\(width)×\(height) pixels do not fit into memory.") }
        self.init(
            layout: PixelLayout(
                width: width, height: height, bytesPerRow: 4 * width, bytesPerPixel: 4, red: 0, green: 1, blue: 2),
            storage: .bytes(bytes))
    }

    /// Takes a frame as it is if it is 32-bit BGRA, and converts it else.
    init(_ frame: CVPixelBuffer) throws {
        guard CVPixelBufferGetPixelFormatType(frame) == kCVPixelFormatType_32BGRA else {
            var converted: CGImage?
            let status = VTCreateCGImageFromCVPixelBuffer(frame, options: nil, imageOut: &converted)
            guard status == 0, let image = converted else {
                throw DepthError.unreadableImage("frames of this pixel format cannot be converted (\(status)).")
            }
            try self.init(image)
            return
        }
        self.init(
            layout: PixelLayout(
                width: CVPixelBufferGetWidth(frame), height: CVPixelBufferGetHeight(frame),
                bytesPerRow: CVPixelBufferGetBytesPerRow(frame), bytesPerPixel: 4, red: 2, green: 1, blue: 0),
            storage: .frame(frame))
    }

    private init(layout: PixelLayout, storage: Storage) {
        self.layout = layout
        self.storage = storage
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch storage {
        case .bytes(let bytes):
            return bytes.withUnsafeBytes(body)
        case .frame(let frame):
            CVPixelBufferLockBaseAddress(frame, .readOnly)
            defer { CVPixelBufferUnlockBaseAddress(frame, .readOnly) }
            let count = CVPixelBufferGetBytesPerRow(frame) * CVPixelBufferGetHeight(frame)
            return body(UnsafeRawBufferPointer(start: CVPixelBufferGetBaseAddress(frame), count: count))
        }
    }
}

/// What Core ML takes as an image: `rgb`, row by row, as 32-bit BGRA, which it turns into the model's RGB itself.
func pixelBuffer(rgb: [UInt8], size: Size) throws -> CVPixelBuffer {
    var created: CVPixelBuffer?
    let attributes = [kCVPixelBufferIOSurfacePropertiesKey as String: [String: Any]()] as CFDictionary
    let status = CVPixelBufferCreate(
        kCFAllocatorDefault, size.width, size.height, kCVPixelFormatType_32BGRA, attributes, &created)
    guard status == kCVReturnSuccess, let buffer = created else {
        throw DepthError.notRun("there is no memory for its input (\(status)).")
    }
    CVPixelBufferLockBaseAddress(buffer, [])
    defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
    guard let base = CVPixelBufferGetBaseAddress(buffer) else {
        throw DepthError.notRun("its input has no memory.")
    }
    let bytesPerRow = CVPixelBufferGetBytesPerRow(buffer)
    for y in 0..<size.height {
        let row = base.advanced(by: y * bytesPerRow).assumingMemoryBound(to: UInt8.self)
        for x in 0..<size.width {
            let pixel = 3 * (y * size.width + x)
            row[4 * x] = rgb[pixel + 2]
            row[4 * x + 1] = rgb[pixel + 1]
            row[4 * x + 2] = rgb[pixel]
            row[4 * x + 3] = 255
        }
    }
    return buffer
}
