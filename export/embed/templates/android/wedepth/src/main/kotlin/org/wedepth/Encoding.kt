package org.wedepth

import kotlin.math.exp
import kotlin.math.round

/** How the values of a tensor are stored. */
sealed interface Encoding {
    /** As they are. */
    data object Float32 : Encoding

    /** As bytes: value = ([scale] · (byte − [zeroPoint])). */
    data class Int8(val scale: Float, val zeroPoint: Int) : Encoding {
        /** [values] as bytes, rounded to the nearest and held within what a byte has. */
        fun encode(values: FloatArray): ByteArray = ByteArray(values.size) {
            (round(values[it] / scale).toInt() + zeroPoint).coerceIn(-128, 127).toByte()
        }

        /** What [bytes] stand for. */
        fun decode(bytes: ByteArray): FloatArray = FloatArray(bytes.size) { scale * (bytes[it] - zeroPoint) }
    }
}

/** What an output's values count. */
enum class DepthUnit {
    METRES,
    LOG_METRES;

    /** [values] in metres. */
    fun metres(values: FloatArray): FloatArray = when (this) {
        METRES -> values
        LOG_METRES -> FloatArray(values.size) { exp(values[it]) }
    }
}
