package org.wedepth

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor

/** What letterbox puts beside the image, in each channel. */
private const val GREY = 128f

/** An image as the model's input: RGB of the model's size, whole numbers from 0 to 255, row by row. */
fun resampled(pixels: Pixels, placement: Placement): FloatArray {
    val (source, target) = placement.source to placement.target
    val layout = pixels.layout
    val columns = taps(source.width, target.width)
    val rows = taps(source.height, target.height)

    // First along rows, then along columns.
    val narrow = DoubleArray(3 * source.height * target.width)
    for (y in 0 until source.height) {
        val row = layout.origin + (source.top + y) * layout.rowStep + source.left * layout.columnStep
        for (x in columns.indices) {
            val tap = columns[x]
            for (channel in 0 until 3) {
                var sum = 0.0
                var offset = row + tap.first * layout.columnStep + channel
                for (weight in tap.weights) {
                    sum += weight * (pixels.bytes[offset].toInt() and 0xff)
                    offset += layout.columnStep
                }
                narrow[3 * (y * target.width + x) + channel] = sum
            }
        }
    }

    val model = placement.model
    val input = FloatArray(3 * model.width * model.height) { GREY }
    val width = 3 * target.width
    for (y in rows.indices) {
        val start = 3 * ((target.top + y) * model.width + target.left)
        for (x in 0 until width) {
            input[start + x] = floor(rows[y].weighted(width, x) { narrow[it] } + 0.5).toFloat()
        }
    }
    return input
}

/** The model's depth as that of the upright image: metres are not changed, and are NaN where a crop left it out. */
fun restored(depth: FloatArray, placement: Placement): DepthMap {
    val (source, target) = placement.source to placement.target
    val columns = taps(target.width, source.width)
    val rows = taps(target.height, source.height)

    val wide = DoubleArray(target.height * source.width)
    for (y in 0 until target.height) {
        val row = (target.top + y) * placement.model.width + target.left
        for (x in columns.indices) {
            wide[y * source.width + x] = columns[x].weighted(1, row) { depth[it].toDouble() }
        }
    }

    val image = placement.image
    val metres = FloatArray(image.width * image.height) { Float.NaN }
    for (y in rows.indices) {
        val start = (source.top + y) * image.width + source.left
        for (x in 0 until source.width) {
            metres[start + x] = rows[y].weighted(source.width, x) { wide[it] }.toFloat()
        }
    }
    return DepthMap(image.width, image.height, metres)
}

/** What old pixels count for a new one: from [first] on, [weights], which sum to 1. */
private class Tap(val first: Int, val weights: DoubleArray) {
    /** The weighted sum of values that lie [step] apart, pixel 0 being at [start]. */
    inline fun weighted(step: Int, start: Int, value: (Int) -> Double): Double {
        var sum = 0.0
        var index = start + first * step
        for (weight in weights) {
            sum += weight * value(index)
            index += step
        }
        return sum
    }
}

/**
 * Bilinear with half-pixel centres. Where a side shrinks, the triangle is as wide as the step between the new pixels,
 * so that every old one counts.
 */
private fun taps(old: Int, new: Int): List<Tap> {
    val radius = maxOf(1.0, old.toDouble() / new)
    return List(new) { index ->
        val centre = (index + 0.5) * old / new
        val first = maxOf(0, ceil(centre - radius - 0.5).toInt())
        val last = minOf(old - 1, floor(centre + radius - 0.5).toInt())
        val raw = DoubleArray(last - first + 1) { maxOf(0.0, 1 - abs(first + it + 0.5 - centre) / radius) }
        val sum = raw.sum()
        Tap(first, DoubleArray(raw.size) { raw[it] / sum })
    }
}
