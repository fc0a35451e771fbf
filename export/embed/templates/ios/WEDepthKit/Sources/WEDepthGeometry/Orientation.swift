/// How a stored image lies, as EXIF says it (1 to 8): what has to be done to see it upright.
public enum Orientation: Int, CaseIterable, Sendable {
    case up = 1
    case upMirrored
    case down
    case downMirrored
    case leftMirrored
    case right
    case rightMirrored
    case left

    /// Whether width and height change places when the image is turned upright.
    public var swapsSides: Bool { rawValue >= 5 }
}
