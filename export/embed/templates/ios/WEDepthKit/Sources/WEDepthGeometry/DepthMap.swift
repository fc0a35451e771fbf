/// Depth in metres for every pixel of an upright image.
public struct DepthMap: Equatable, Sendable {
    /// Size of the image, upright.
    public let width: Int
    public let height: Int
    /// Metres, row by row from the top; NaN where the network did not look, outside of a crop.
    public let metres: [Float]

    public init(width: Int, height: Int, metres: [Float]) {
        precondition(metres.count == width * height, "A depth map has one value for each pixel.")
        self.width = width
        self.height = height
        self.metres = metres
    }

    /// Metres at a pixel of the upright image, counted from its upper left; nil outside of it and outside of a crop.
    public func depth(at x: Int, _ y: Int) -> Float? {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return nil }
        let value = metres[y * width + x]
        return value.isNaN ? nil : value
    }

    /// The nearest and the farthest depth; nil if nothing was seen.
    public var range: ClosedRange<Float>? {
        var low = Float.infinity
        var high = -Float.infinity
        for value in metres where !value.isNaN {
            low = min(low, value)
            high = max(high, value)
        }
        return low <= high ? low...high : nil
    }
}
