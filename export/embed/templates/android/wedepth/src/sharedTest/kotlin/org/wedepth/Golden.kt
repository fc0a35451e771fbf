package org.wedepth

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONArray
import org.json.JSONObject

/** A mistake of an integration, in [words] that follow "where", and how far its depth is from the golden depth. */
class Mistake(val name: String, val words: String, val meanRel: Double)

/**
 * The golden sample: an image, and the depth that this very model gave for it in its reference runtime.
 *
 * @property depth metres for every pixel of the golden image.
 * @property maxRel how far depth may be from it, relative to it, at any pixel; null for no bound.
 * @property meanRel how far it may be on average.
 * @property facts all of golden.json.
 */
class Golden private constructor(
    val depth: DepthMap,
    val maxRel: Double?,
    val meanRel: Double,
    val mistakes: List<Mistake>,
    val facts: JSONObject,
) {
    /** The same sample for a processor that rounds more than the reference: half way to the nearest mistake is right. */
    fun loosened(): Golden = Golden(depth, null, mistakes.minOf { it.meanRel } / 2, mistakes, facts)

    companion object {
        /** The golden sample among the test's resources. */
        fun bundled(): Golden = of(resource("golden.json"), resource("depth.f32"))

        /** The golden image, a PNG of 8-bit RGB in exactly the model's size. */
        fun image(): ByteArray = resource("image.png")

        /** The golden sample of the contents of golden.json and depth.f32. */
        fun of(json: ByteArray, metres: ByteArray): Golden {
            val facts = JSONObject(json.decodeToString())
            check(facts.getInt("schema") == 1) { "golden.json is of another schema than this self-test reads." }
            val tolerance = facts.getJSONObject("tolerance")
            val mistakes = facts.getJSONObject("mistakes")
            return Golden(
                DepthMap(facts.getInt("width"), facts.getInt("height"), floats(metres)),
                if (tolerance.isNull("max_rel")) null else tolerance.getDouble("max_rel"),
                tolerance.getDouble("mean_rel"),
                mistakes.keys().asSequence().map { mistake(it, mistakes.getJSONObject(it)) }.toList(),
                facts,
            )
        }

        private fun mistake(name: String, facts: JSONObject) =
            Mistake(name, facts.getString("words"), facts.getDouble("mean_rel"))

        private fun resource(name: String): ByteArray {
            val stream = Golden::class.java.classLoader?.getResourceAsStream("golden/$name")
            return checkNotNull(stream) { "The tests' resources lack golden/$name." }.use { it.readBytes() }
        }
    }
}

/** Little-endian 32-bit floats. */
fun floats(bytes: ByteArray): FloatArray {
    val buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
    return FloatArray(buffer.remaining()).also { buffer.get(it) }
}

/** The objects of a list in golden.json. */
fun JSONObject.cases(name: String): List<JSONObject> {
    val list = getJSONArray(name)
    return List(list.length(), list::getJSONObject)
}

fun JSONArray.ints(): List<Int> = List(length(), ::getInt)

fun JSONArray.doubles(): List<Double> = List(length(), ::getDouble)
