package org.wedepth

/**
 * Depth in metres for every pixel of an upright image.
 *
 * @property width of the image, upright.
 * @property height of the image, upright.
 * @property metres row by row from the top; NaN where the network did not look, outside of a crop.
 */
class DepthMap(val width: Int, val height: Int, val metres: FloatArray) {
    init {
        require(metres.size == width * height) { "A depth map has one value for each pixel." }
    }

    /** Metres at a pixel of the upright image, from its upper left; null outside of it and outside of a crop. */
    fun depthAt(x: Int, y: Int): Float? {
        if (x !in 0 until width || y !in 0 until height) return null
        return metres[y * width + x].takeUnless { it.isNaN() }
    }

    /** The nearest and the farthest depth; null if nothing was seen. */
    val range: ClosedFloatingPointRange<Float>?
        get() {
            val seen = metres.filterNot { it.isNaN() }
            return if (seen.isEmpty()) null else seen.min()..seen.max()
        }
}
