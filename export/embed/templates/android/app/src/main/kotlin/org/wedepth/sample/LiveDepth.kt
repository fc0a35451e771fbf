package org.wedepth.sample

import android.util.Size
import androidx.activity.ComponentActivity
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import androidx.camera.core.resolutionselector.ResolutionSelector
import androidx.camera.core.resolutionselector.ResolutionStrategy
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.core.content.ContextCompat
import java.util.concurrent.ExecutionException
import java.util.concurrent.Executors
import org.wedepth.DepthException
import org.wedepth.DepthMap
import org.wedepth.DepthModel
import org.wedepth.Processor
import org.wedepth.predict

/** What there is to show. */
sealed interface Scene {
    data object Loading : Scene

    /** Depth of the last frame, what computed it, and how long that took from the camera's pixels to metres. */
    class Seen(val depth: DepthMap, val processor: Processor, val milliseconds: Long) : Scene

    /** What went wrong, in a sentence. */
    class Failed(val sentence: String) : Scene
}

/** The back camera's frames through the model, one at a time; frames that come meanwhile are left out. */
class LiveDepth(private val activity: ComponentActivity, private val show: (Scene) -> Unit) {
    private val worker = Executors.newSingleThreadExecutor()

    private val analysis = analysis()

    // The worker's alone.
    private var model: DepthModel? = null

    /** Loads the model for [processor] in the place of the one before. */
    fun choose(processor: Processor) {
        show(Scene.Loading)
        worker.execute {
            model?.close()
            model = null
            try {
                model = DepthModel.load(activity.applicationContext, processor)
            } catch (error: DepthException) {
                fail(error.message)
            }
        }
    }

    /** Opens the camera, for as long as the activity is in front. */
    fun open() {
        val provider = ProcessCameraProvider.getInstance(activity)
        analysis.setAnalyzer(worker) { frame -> frame.use(::measure) }
        provider.addListener({
            try {
                provider.get().bindToLifecycle(activity, CameraSelector.DEFAULT_BACK_CAMERA, analysis)
            } catch (error: ExecutionException) {
                fail("The camera does not open: ${error.cause?.message}.")
            } catch (error: IllegalArgumentException) {
                fail("There is no camera at the back of this device that can be used: ${error.message}.")
            }
        }, ContextCompat.getMainExecutor(activity))
    }

    /** Frees the model; nothing is shown after. */
    fun close() {
        analysis.clearAnalyzer()
        worker.execute {
            model?.close()
            model = null
        }
        worker.shutdown()
    }

    private fun measure(frame: ImageProxy) {
        val model = model ?: return
        val start = System.nanoTime()
        try {
            val depth = model.predict(frame)
            post(Scene.Seen(depth, model.processor, (System.nanoTime() - start) / 1_000_000))
        } catch (error: DepthException) {
            fail(error.message)
        }
    }

    private fun fail(sentence: String?) = post(Scene.Failed(sentence.orEmpty()))

    private fun post(scene: Scene) = activity.runOnUiThread { show(scene) }

    private fun analysis(): ImageAnalysis {
        // The network sees a few hundred pixels: more cost time and show nothing.
        val size = ResolutionStrategy(Size(640, 480), ResolutionStrategy.FALLBACK_RULE_CLOSEST_HIGHER_THEN_LOWER)
        return ImageAnalysis.Builder()
            .setResolutionSelector(ResolutionSelector.Builder().setResolutionStrategy(size).build())
            .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
            .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
            .build()
    }
}
