package org.wedepth

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import android.graphics.Matrix
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import org.junit.AfterClass
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNoException
import org.junit.BeforeClass
import org.junit.Test
import org.junit.runner.RunWith

/** The model in LiteRT on this device, on the golden image: as it should be, and with integrations' mistakes. */
@RunWith(AndroidJUnit4::class)
class GoldenTest {
    private val golden = Golden.bundled()
    private val image = Golden.image().let { BitmapFactory.decodeByteArray(it, 0, it.size) }

    @Test
    fun depthIsTheGoldenDepth() {
        expectGolden(model.predict(image))
    }

    @Test
    fun depthIsTheGoldenDepthOnTheGpu() {
        val gpu = try {
            DepthModel.load(context, Processor.GPU)
        } catch (error: DepthException) {
            // Not passed: skipped, with the reason.
            assumeNoException(error)
            return
        }
        // It computes in half precision, whatever the model's is.
        gpu.use { expectGolden(it.predict(image), golden.loosened()) }
    }

    @Test
    fun aPhotographOnItsSideIsTurnedUpright() {
        // Turned counter-clockwise and labelled so, as a phone held upright stores it.
        expectGolden(model.predict(image.transformed { postRotate(-90f) }, Orientation.RIGHT))
    }

    @Test
    fun exchangedChannelsAreNamed() {
        expectMistake("bgr", image.mapped { Color.rgb(Color.blue(it), Color.green(it), Color.red(it)) })
    }

    @Test
    fun theWrongRangeIsNamed() {
        // 0…1, in whole numbers.
        val scaled = { value: Int -> if (value >= 128) 1 else 0 }
        val changed = image.mapped { Color.rgb(scaled(Color.red(it)), scaled(Color.green(it)), scaled(Color.blue(it))) }
        expectMistake("range", changed)
    }

    @Test
    fun anImageOnItsSideIsNamed() {
        val turned = image.transformed { postRotate(-90f) }
        expectMistake("rotated", Bitmap.createScaledBitmap(turned, image.width, image.height, true))
    }

    @Test
    fun anImageUpsideDownIsNamed() {
        expectMistake("flipped", image.transformed { postScale(1f, -1f) })
    }

    @Test
    fun aMirroredImageIsNamed() {
        expectMistake("mirrored", image.transformed { postScale(-1f, 1f) })
    }

    private fun expectGolden(depth: DepthMap, sample: Golden = golden) {
        val verdict = sample.verdict(depth)
        assertTrue(verdict.sentence, verdict.passed)
    }

    private fun expectMistake(name: String, changed: Bitmap) {
        val verdict = golden.verdict(model.predict(changed))
        assertFalse("$name passed: ${verdict.sentence}", verdict.passed)
        assertTrue("$name was not named: ${verdict.sentence}", name in verdict.mistakes)
    }

    private fun Bitmap.transformed(change: Matrix.() -> Unit): Bitmap =
        Bitmap.createBitmap(this, 0, 0, width, height, Matrix().apply(change), false)

    private fun Bitmap.mapped(change: (Int) -> Int): Bitmap {
        val pixels = IntArray(width * height)
        getPixels(pixels, 0, width, 0, 0, width, height)
        for (index in pixels.indices) pixels[index] = change(pixels[index])
        return Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
    }

    companion object {
        private val context = InstrumentationRegistry.getInstrumentation().targetContext
        private lateinit var model: DepthModel

        @BeforeClass
        @JvmStatic
        fun load() {
            model = DepthModel.load(context)
        }

        @AfterClass
        @JvmStatic
        fun close() {
            if (::model.isInitialized) model.close()
        }
    }
}
