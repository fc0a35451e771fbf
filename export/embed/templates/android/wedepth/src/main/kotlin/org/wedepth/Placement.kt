package org.wedepth

/** Width and height in pixels. */
data class Size(val width: Int, val height: Int)

/** A part of an image in whole pixels, from its upper left. */
data class Rectangle(val left: Int, val top: Int, val width: Int, val height: Int)

/** How an image comes to the model's aspect ratio. */
enum class Fit {
    /** The whole image, with grey beside it. */
    LETTERBOX,

    /** The largest part of the model's aspect in the middle; there is no depth outside of it. */
    CROP,
}

/**
 * Which part of the upright image is put where in the model's input. Sizes follow by arithmetic on whole numbers:
 * halves are rounded up, and offsets, half of what is left over, down.
 *
 * @property image the upright image's size.
 * @property model the size of the model's input.
 * @property source the part of the image that the model sees.
 * @property target where in its input it is.
 */
data class Placement(val image: Size, val model: Size, val source: Rectangle, val target: Rectangle) {
    companion object {
        /** Where an upright image of size [image] goes in the input of a [model]. */
        fun of(image: Size, model: Size, fit: Fit): Placement {
            val wide = image.width.toLong() * model.height >= image.height.toLong() * model.width
            return when (fit) {
                Fit.LETTERBOX -> {
                    val width = if (wide) model.width else scaled(image.width, model.height, image.height)
                    val height = if (wide) scaled(image.height, model.width, image.width) else model.height
                    Placement(image, model, Rectangle(0, 0, image.width, image.height), centred(width, height, model))
                }
                Fit.CROP -> {
                    val width = if (wide) scaled(image.height, model.width, model.height) else image.width
                    val height = if (wide) image.height else scaled(image.width, model.height, model.width)
                    Placement(image, model, centred(width, height, image), Rectangle(0, 0, model.width, model.height))
                }
            }
        }

        private fun centred(width: Int, height: Int, size: Size) =
            Rectangle((size.width - width) / 2, (size.height - height) / 2, width, height)

        /** [side] × [numerator] ÷ [denominator], rounded, halves up; 1 at least. */
        private fun scaled(side: Int, numerator: Int, denominator: Int): Int {
            val twice = 2L * side * numerator
            return maxOf(1, ((twice + denominator) / (2L * denominator)).toInt())
        }
    }
}
