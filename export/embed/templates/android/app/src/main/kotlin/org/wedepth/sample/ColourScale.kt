package org.wedepth.sample

import kotlin.math.roundToInt

/** Colours for metres, the same in every frame: from [near] in blue over green to [far] in red. */
class ColourScale(val near: Float, val far: Float) {
    private val colours = IntArray(STEPS) { turbo(FIRST + (1 - FIRST) * it / (STEPS - 1)) }

    /** The colour of [metres] as ARGB; what is beyond an end has that end's colour, what is not known none. */
    fun colour(metres: Float): Int {
        if (metres.isNaN()) return TRANSPARENT
        val position = ((metres - near) / (far - near)).coerceIn(0f, 1f)
        return colours[(position * (STEPS - 1)).roundToInt()]
    }

    private companion object {
        const val STEPS = 256
        const val TRANSPARENT = 0

        /** The first 7 % are all but black. */
        const val FIRST = 0.07f

        /** Mikhailov's polynomials of the Turbo colour map: red, green and blue in 0…1 of a position in 0…1. */
        val TURBO = arrayOf(
            floatArrayOf(0.13572138f, 4.6153926f, -42.66032258f, 132.13108234f, -152.94239396f, 59.28637943f),
            floatArrayOf(0.09140261f, 2.19418839f, 4.84296658f, -14.18503333f, 4.27729857f, 2.82956604f),
            floatArrayOf(0.1066733f, 12.64194608f, -60.58204836f, 110.36276771f, -89.90310912f, 27.34824973f),
        )

        fun turbo(position: Float): Int {
            val (red, green, blue) = TURBO.map { factors ->
                val value = factors.foldRight(0f) { factor, sum -> factor + position * sum }
                (255 * value.coerceIn(0f, 1f)).toInt()
            }
            return (0xff shl 24) or (red shl 16) or (green shl 8) or blue
        }
    }
}
