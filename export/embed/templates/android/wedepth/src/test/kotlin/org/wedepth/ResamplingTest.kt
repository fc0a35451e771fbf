package org.wedepth

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test

class ResamplingTest {
    @Test
    fun `an image of the model's size is not changed`() {
        val size = Size(3, 2)
        val bytes = ByteArray(18) { (10 * it).toByte() }
        for (fit in Fit.entries) {
            val input = resampled(rgb(size, bytes), Placement.of(size, size, fit))
            assertArrayEquals("$fit", FloatArray(18) { 10f * it }, input, 0f)
        }
    }

    @Test
    fun `letterbox is grey beside the image`() {
        val image = Size(2, 2)
        val input = resampled(rgb(image, ByteArray(12) { 7 }), Placement.of(image, Size(4, 2), Fit.LETTERBOX))
        val row = listOf(128f, 128f, 128f, 7f, 7f, 7f, 7f, 7f, 7f, 128f, 128f, 128f)
        assertEquals(row + row, input.toList())
    }

    @Test
    fun `a photograph that lies on its side is turned`() {
        // 1, 2, 3 from the left: turned clockwise they run from the top down.
        val stored = rgb(Size(3, 1), byteArrayOf(1, 1, 1, 2, 2, 2, 3, 3, 3))
        val size = Size(1, 3)
        val input = resampled(stored.upright(Orientation.ofRotation(90)), Placement.of(size, size, Fit.LETTERBOX))
        assertEquals(listOf(1f, 1f, 1f, 2f, 2f, 2f, 3f, 3f, 3f), input.toList())
    }

    @Test
    fun `there is no depth outside of a crop`() {
        val depth = restored(floatArrayOf(1f, 2f, 3f, 4f), Placement.of(Size(4, 2), Size(2, 2), Fit.CROP))
        assertNull(depth.depthAt(0, 0))
        assertEquals(1f, depth.depthAt(1, 0))
        assertEquals(4f, depth.depthAt(2, 1))
        assertNull(depth.depthAt(3, 1))
        assertNull(depth.depthAt(4, 0))
        assertEquals(1f..4f, depth.range)
    }

    @Test
    fun `depth under the borders is left out`() {
        val depth = restored(
            floatArrayOf(9f, 1f, 2f, 9f, 9f, 3f, 4f, 9f), Placement.of(Size(2, 2), Size(4, 2), Fit.LETTERBOX)
        )
        assertEquals(listOf(1f, 2f, 3f, 4f), depth.metres.toList())
    }

    @Test
    fun `frames turned by another angle are refused in words`() {
        val error = assertThrows(DepthException::class.java) { Orientation.ofRotation(45) }
        assertEquals("Frames are turned by 0, 90, 180 or 270 degrees, not by 45.", error.message)
    }

    @Test
    fun `bytes stand for values`() {
        val encoding = Encoding.Int8(scale = 0.5f, zeroPoint = -10)
        assertEquals(listOf<Byte>(-10, -8, 127), encoding.encode(floatArrayOf(0f, 1f, 1000f)).toList())
        assertEquals(listOf(0f, 1f), encoding.decode(byteArrayOf(-10, -8)).toList())
        assertEquals(Math.E.toFloat(), DepthUnit.LOG_METRES.metres(floatArrayOf(1f)).single(), 1e-6f)
    }

    private fun rgb(size: Size, bytes: ByteArray) =
        Pixels(bytes, PixelLayout(size.width, size.height, 3 * size.width, bytesPerPixel = 3))
}
