package org.wedepth

import org.junit.Assert.assertEquals
import org.junit.Test

/** The cases that the reference worked out, which every platform's wrapper is held to. */
class PlacementTest {
    private val golden = Golden.bundled()
    private val cases = golden.facts.cases("geometry")

    @Test
    fun `placements are the reference's`() {
        val model = Size(golden.depth.width, golden.depth.height)
        for (case in cases) {
            val (width, height) = case.getJSONArray("upright").ints()
            val placement = Placement.of(Size(width, height), model, Fit.valueOf(case.getString("fit").uppercase()))
            assertEquals("part of the image: $case", case.getJSONArray("source").ints(), placement.source.numbers())
            assertEquals("where it is put: $case", case.getJSONArray("model").ints(), placement.target.numbers())
        }
    }

    @Test
    fun `orientations are the reference's`() {
        for (case in cases) {
            val layout = PixelLayout(case.getInt("width"), case.getInt("height"), 4 * case.getInt("width"), 4)
            val upright = layout.upright(Orientation.ofExif(case.getInt("orientation")))
            val size = listOf(upright.width, upright.height)
            assertEquals("upright size: $case", case.getJSONArray("upright").ints(), size)
            assertEquals("first stored pixel: $case", 0, upright.offset(case.getJSONArray("first").ints()))
            assertEquals("second stored pixel: $case", 4, upright.offset(case.getJSONArray("second").ints()))
        }
    }

    @Test
    fun `numbers are resized as the reference does`() {
        for (case in golden.facts.cases("resize")) {
            val (old, new) = listOf("from", "to").map { case.getJSONArray(it).ints() }.map { Size(it[0], it[1]) }
            val values = case.getJSONArray("values").doubles().map { it.toFloat() }.toFloatArray()
            val resized = restored(values, Placement(new, old, new.whole(), old.whole())).metres
            val expected = case.getJSONArray("resized").doubles()
            for (index in expected.indices) assertEquals("$case", expected[index], resized[index].toDouble(), 1e-5)
        }
    }

    private fun PixelLayout.offset(pixel: List<Int>) = origin + pixel[0] * columnStep + pixel[1] * rowStep

    private fun Rectangle.numbers() = listOf(left, top, width, height)

    private fun Size.whole() = Rectangle(0, 0, width, height)
}
