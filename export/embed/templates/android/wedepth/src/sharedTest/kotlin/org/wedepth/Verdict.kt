package org.wedepth

import java.math.BigDecimal
import java.math.MathContext
import kotlin.math.abs
import kotlin.math.ln

/**
 * Whether depth is the golden depth, and if not, which mistakes would look like it.
 *
 * @property sentence all of it in words.
 * @property mistakes names of those that come nearest, the nearest first; empty if it passed, or if it is none of them.
 */
class Verdict(val sentence: String, val passed: Boolean = false, val mistakes: List<String> = emptyList())

/** How much farther off than the nearest mistake another may be and still be named. */
private const val ALIKE = 1.15

/** What is to be said of the depth that an integration gives for the golden image. */
fun Golden.verdict(found: DepthMap): Verdict {
    if (found.width != depth.width || found.height != depth.height) {
        return Verdict(
            "The depth map has ${found.width}×${found.height} pixels and the golden image " +
                "${depth.width}×${depth.height}, as where it is turned by 90°.",
            mistakes = listOf("rotated"),
        )
    }
    if (found.metres.any { !it.isFinite() }) return Verdict("The depth has values that are not numbers.")
    val quotients = found.metres.indices.map { found.metres[it].toDouble() / depth.metres[it] }
    val mean = quotients.sumOf { abs(it - 1) } / quotients.size
    val largest = quotients.maxOf { abs(it - 1) }
    return verdict(mean, largest, quotients.sorted()[quotients.size / 2])
}

private fun Golden.verdict(mean: Double, largest: Double, median: Double): Verdict {
    val tolerance = "${number(meanRel)} is the tolerance."
    if (mean <= meanRel && largest <= (maxRel ?: largest)) {
        return Verdict(
            "The depth is right: the mean relative difference is ${number(mean)}, and $tolerance",
            passed = true,
        )
    }
    if (maxRel != null && mean <= meanRel) {
        return Verdict(
            "The relative difference is ${number(largest)} at one pixel; ${number(maxRel)} is the tolerance."
        )
    }
    val nearest = nearestMistakes(mean)
    val words = nearest.joinToString("; or where ") { it.words }
    return Verdict(
        "The mean relative difference is ${number(mean)}; $tolerance " +
            "${number(nearest.first().meanRel)} is what it is where $words. " +
            "At the median depth is ${number(median)} times what it should be.",
        mistakes = nearest.map { it.name },
    )
}

/** The mistakes whose mean relative difference comes nearest to [mean]: several, where it cannot tell them apart. */
private fun Golden.nearestMistakes(mean: Double): List<Mistake> {
    val distance = { mistake: Mistake -> abs(ln(mean / mistake.meanRel)) }
    val ordered = mistakes.sortedWith(compareBy(distance, Mistake::name))
    return ordered.takeWhile { distance(it) <= distance(ordered.first()) + ln(ALIKE) }
}

/** Two significant digits. */
private fun number(value: Double): String = when {
    !value.isFinite() -> value.toString()
    abs(value) >= 10 -> "%.0f".format(value)
    else -> BigDecimal(value).round(MathContext(2)).toPlainString()
}
