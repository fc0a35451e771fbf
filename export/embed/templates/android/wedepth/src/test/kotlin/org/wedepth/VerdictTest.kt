package org.wedepth

import kotlin.math.ln
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

/** What the self-test says of depth: right, or wrong in words. What needs the model itself runs on a device. */
class VerdictTest {
    private val golden = Golden.bundled()

    @Test
    fun `golden depth passes`() {
        val verdict = verdict { it }
        assertTrue(verdict.sentence, verdict.passed)
    }

    @Test
    fun `depth within the tolerance passes`() {
        val within = 1 + 0.5 * minOf(golden.meanRel, golden.maxRel ?: golden.meanRel)
        val verdict = verdict { (it * within).toFloat() }
        assertTrue(verdict.sentence, verdict.passed)
    }

    @Test
    fun `a loosened sample still refuses every mistake`() {
        val loosened = golden.loosened()
        for (mistake in golden.mistakes) assertTrue(mistake.name, mistake.meanRel > loosened.meanRel)
        assertTrue(loosened.verdict(golden.depth).passed)
    }

    @Test
    fun `millimetres are named`() {
        val verdict = verdict { 1000 * it }
        assertFalse(verdict.passed)
        assertEquals(verdict.sentence, listOf("scale"), verdict.mistakes)
        assertTrue(verdict.sentence, "1000 times" in verdict.sentence)
    }

    @Test
    fun `logarithms are named`() {
        val verdict = verdict { ln(it) }
        assertFalse(verdict.passed)
        assertTrue(verdict.sentence, "log" in verdict.mistakes)
    }

    @Test
    fun `values that are not numbers are named`() {
        val verdict = verdict { Float.NaN }
        assertFalse(verdict.passed)
        assertTrue(verdict.sentence, "not numbers" in verdict.sentence)
    }

    @Test
    fun `a depth map on its side is named`() {
        val depth = golden.depth
        assumeTrue("a square looks the same on its side", depth.width != depth.height)
        val verdict = golden.verdict(DepthMap(depth.height, depth.width, depth.metres))
        assertEquals(verdict.sentence, listOf("rotated"), verdict.mistakes)
    }

    @Test
    fun `every mistake is outside of the tolerance`() {
        for (mistake in golden.mistakes) assertTrue(mistake.name, mistake.meanRel > golden.meanRel)
    }

    private fun verdict(change: (Float) -> Float): Verdict {
        val depth = golden.depth
        val changed = FloatArray(depth.metres.size) { change(depth.metres[it]) }
        return golden.verdict(DepthMap(depth.width, depth.height, changed))
    }
}
