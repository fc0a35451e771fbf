package org.wedepth

import android.content.Context
import android.graphics.Bitmap
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.TensorBuffer

/**
 * A depth network in LiteRT: images in, metres out.
 *
 * ```
 * DepthModel.load(context, Processor.GPU).use { model ->
 *     val metres = model.predict(bitmap, Orientation.RIGHT).depthAt(120, 80)
 * }
 * ```
 *
 * Loading and predicting block: call them off the main thread. Predictions from several threads wait for each other.
 *
 * @property processor what all of the network runs on.
 */
class DepthModel private constructor(
    val processor: Processor,
    private val environment: Environment,
    private val compiled: CompiledModel,
) : AutoCloseable {
    private val inputs: List<TensorBuffer> = compiled.createInputBuffers()
    private val outputs: List<TensorBuffer> = compiled.createOutputBuffers()

    /**
     * Depth of [image], of any size.
     *
     * @param orientation how the image lies, as its EXIF data says.
     * @param fit how it comes to the model's aspect ratio.
     * @return metres for every pixel of the upright image.
     * @throws DepthException if the image cannot be read, or LiteRT cannot run the model.
     */
    fun predict(image: Bitmap, orientation: Orientation = Orientation.UP, fit: Fit = Fit.LETTERBOX): DepthMap =
        predict(image.pixels().upright(orientation), fit)

    /** Depth of an image in memory, which is seen upright: see the other. */
    fun predict(pixels: Pixels, fit: Fit): DepthMap {
        val image = Size(pixels.layout.width, pixels.layout.height)
        val placement = Placement.of(image, ModelFacts.SIZE, fit)
        return restored(run(resampled(pixels, placement)), placement)
    }

    /** RGB of the model's size, 0…255, row by row, to metres of the same size. */
    @Synchronized
    private fun run(pixels: FloatArray): FloatArray {
        val values = try {
            when (val encoding = ModelFacts.INPUT) {
                is Encoding.Float32 -> inputs[0].writeFloat(pixels)
                is Encoding.Int8 -> inputs[0].writeInt8(encoding.encode(pixels))
            }
            compiled.run(inputs, outputs)
            when (val encoding = ModelFacts.OUTPUT) {
                is Encoding.Float32 -> outputs[0].readFloat()
                is Encoding.Int8 -> encoding.decode(outputs[0].readInt8())
            }
        } catch (error: LiteRtException) {
            throw DepthException("LiteRT cannot run the model on the $processor: ${error.message}", error)
        }
        if (values.size != ModelFacts.SIZE.width * ModelFacts.SIZE.height) {
            throw DepthException(
                "This is not the model that the library was generated for (${ModelFacts.NAME}): " +
                    "it gave ${values.size} values."
            )
        }
        return ModelFacts.UNIT.metres(values)
    }

    /** Frees what the model holds; it cannot be used after. */
    @Synchronized
    override fun close() {
        (inputs + outputs).forEach { it.close() }
        compiled.close()
        environment.close()
    }

    companion object {
        /**
         * Loads the model that is among the app's assets, and runs it once, which compiles what is compiled late.
         *
         * @param processor what to run it on. If any of the network cannot run there, loading fails.
         * @throws DepthException if the device has no such processor, or it does not take the model.
         */
        fun load(context: Context, processor: Processor = Processor.CPU): DepthModel {
            val environment = environment(context, processor)
            val model = try {
                DepthModel(processor, environment, compile(context, processor, environment))
            } catch (error: LiteRtException) {
                environment.close()
                throw DepthException("LiteRT cannot load the model for the $processor: ${error.message}", error)
            }
            try {
                model.run(FloatArray(3 * ModelFacts.SIZE.width * ModelFacts.SIZE.height))
            } catch (error: DepthException) {
                model.close()
                throw error
            }
            return model
        }

        private fun compile(context: Context, processor: Processor, environment: Environment): CompiledModel {
            // One accelerator and no other: with the CPU beside it LiteRT would run there what the other does not take,
            // and say so only in the log.
            val options = CompiledModel.Options(processor.accelerator)
            return CompiledModel.create(context.assets, ModelFacts.ASSET, options, environment)
        }

        private fun environment(context: Context, processor: Processor): Environment {
            val environment = try {
                when (processor) {
                    Processor.NPU -> Environment.create(npu(context))
                    else -> Environment.create()
                }
            } catch (error: LiteRtException) {
                throw DepthException("LiteRT does not start: ${error.message}", error)
            }
            val available = environment.getAvailableAccelerators()
            if (processor.accelerator !in available) {
                environment.close()
                throw DepthException("LiteRT finds no $processor here, only ${available.joinToString()}.")
            }
            return environment
        }

        private fun npu(context: Context): BuiltinNpuAcceleratorProvider {
            val provider = BuiltinNpuAcceleratorProvider(context)
            // Its plug-ins would run on the CPU without a word where there is no NPU of theirs.
            if (!provider.isDeviceSupported()) {
                throw DepthException("This device's chip is not among those that LiteRT has an NPU plug-in for.")
            }
            return provider
        }
    }
}
