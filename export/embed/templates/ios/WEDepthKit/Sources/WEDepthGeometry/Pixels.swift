/// Where the pixels of an image are in memory, seen upright. Turning an image changes these numbers and copies nothing.
public struct PixelLayout: Equatable, Sendable {
    /// Width and height of the upright image in pixels.
    public let width: Int
    public let height: Int
    /// Offset in bytes of the upright image's upper left pixel.
    public let origin: Int
    /// Bytes from a pixel to the one right of it, and to the one below it, in the upright image.
    public let columnStep: Int
    public let rowStep: Int
    /// Offsets in bytes of red, green and blue in a pixel.
    public let red: Int
    public let green: Int
    public let blue: Int

    /// The layout of an image of `width` × `height` as it is stored, row by row from the top.
    public init(width: Int, height: Int, bytesPerRow: Int, bytesPerPixel: Int, red: Int, green: Int, blue: Int) {
        self.init(
            width: width, height: height, origin: 0, columnStep: bytesPerPixel, rowStep: bytesPerRow,
            red: red, green: green, blue: blue)
    }

    private init(
        width: Int, height: Int, origin: Int, columnStep: Int, rowStep: Int, red: Int, green: Int, blue: Int
    ) {
        self.width = width
        self.height = height
        self.origin = origin
        self.columnStep = columnStep
        self.rowStep = rowStep
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// The same pixels, seen upright by an image whose orientation is `orientation`.
    public func upright(_ orientation: Orientation) -> PixelLayout {
        let lastColumn = (width - 1) * columnStep
        let lastRow = (height - 1) * rowStep
        let (offset, column, row): (Int, Int, Int)
        switch orientation {
        case .up: (offset, column, row) = (0, columnStep, rowStep)
        case .upMirrored: (offset, column, row) = (lastColumn, -columnStep, rowStep)
        case .down: (offset, column, row) = (lastColumn + lastRow, -columnStep, -rowStep)
        case .downMirrored: (offset, column, row) = (lastRow, columnStep, -rowStep)
        case .leftMirrored: (offset, column, row) = (0, rowStep, columnStep)
        case .right: (offset, column, row) = (lastRow, -rowStep, columnStep)
        case .rightMirrored: (offset, column, row) = (lastColumn + lastRow, -rowStep, -columnStep)
        case .left: (offset, column, row) = (lastColumn, rowStep, -columnStep)
        }
        return PixelLayout(
            width: orientation.swapsSides ? height : width, height: orientation.swapsSides ? width : height,
            origin: origin + offset, columnStep: column, rowStep: row, red: red, green: green, blue: blue)
    }
}
