package org.wedepth

/** How a stored image lies, as EXIF says it ([exif], 1 to 8): what has to be done to see it upright. */
enum class Orientation(val exif: Int) {
    UP(1),
    UP_MIRRORED(2),
    DOWN(3),
    DOWN_MIRRORED(4),
    LEFT_MIRRORED(5),
    RIGHT(6),
    RIGHT_MIRRORED(7),
    LEFT(8);

    /** Whether width and height change places when the image is turned upright. */
    val swapsSides: Boolean get() = exif >= 5

    companion object {
        /** The orientation that EXIF counts as [exif]; upright for 0 (undefined) and whatever EXIF does not know. */
        fun ofExif(exif: Int): Orientation = entries.firstOrNull { it.exif == exif } ?: UP

        /** What a camera's frame needs that has to be turned clockwise by [degrees] to be upright. */
        fun ofRotation(degrees: Int): Orientation = when (degrees) {
            0 -> UP
            90 -> RIGHT
            180 -> DOWN
            270 -> LEFT
            else -> throw DepthException("Frames are turned by 0, 90, 180 or 270 degrees, not by $degrees.")
        }
    }
}
