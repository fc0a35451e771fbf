package org.wedepth

/**
 * Where the pixels of an image are in memory, seen upright. Turning an image changes these numbers, and copies nothing.
 *
 * @property width of the upright image in pixels.
 * @property height of the upright image in pixels.
 * @property origin offset in bytes of the upright image's upper left pixel.
 * @property columnStep bytes from a pixel to the one right of it.
 * @property rowStep bytes from a pixel to the one below it.
 */
class PixelLayout private constructor(
    val width: Int,
    val height: Int,
    val origin: Int,
    val columnStep: Int,
    val rowStep: Int,
) {
    /** An image of [width] × [height] as it is stored, row by row from the top, each pixel beginning with R, G, B. */
    constructor(width: Int, height: Int, bytesPerRow: Int, bytesPerPixel: Int) :
        this(width, height, 0, bytesPerPixel, bytesPerRow)

    /** The same pixels, seen upright by an image whose orientation is [orientation]. */
    fun upright(orientation: Orientation): PixelLayout {
        val lastColumn = (width - 1) * columnStep
        val lastRow = (height - 1) * rowStep
        return when (orientation) {
            Orientation.UP -> this
            Orientation.UP_MIRRORED -> PixelLayout(width, height, origin + lastColumn, -columnStep, rowStep)
            Orientation.DOWN -> PixelLayout(width, height, origin + lastColumn + lastRow, -columnStep, -rowStep)
            Orientation.DOWN_MIRRORED -> PixelLayout(width, height, origin + lastRow, columnStep, -rowStep)
            Orientation.LEFT_MIRRORED -> PixelLayout(height, width, origin, rowStep, columnStep)
            Orientation.RIGHT -> PixelLayout(height, width, origin + lastRow, -rowStep, columnStep)
            Orientation.RIGHT_MIRRORED ->
                PixelLayout(height, width, origin + lastColumn + lastRow, -rowStep, -columnStep)
            Orientation.LEFT -> PixelLayout(height, width, origin + lastColumn, rowStep, -columnStep)
        }
    }
}

/** Pixels in memory, 8 bits a channel, and how they lie there. */
class Pixels(val bytes: ByteArray, val layout: PixelLayout) {
    /** The same pixels, seen upright by an image whose orientation is [orientation]. */
    fun upright(orientation: Orientation): Pixels = Pixels(bytes, layout.upright(orientation))
}
