// What the library uses of LiteRT 2.3, as its sources declare it: to check types against, nothing runs.
package com.google.ai.edge.litert

import android.content.Context
import android.content.res.AssetManager

enum class Accelerator { NONE, CPU, GPU, NPU }

class LiteRtException(message: String) : Exception(message)

abstract class JniHandle internal constructor() : AutoCloseable {
    final override fun close(): Unit = TODO()
}

class TensorBuffer internal constructor() : JniHandle() {
    fun writeFloat(data: FloatArray): Unit = TODO()
    fun writeInt8(data: ByteArray): Unit = TODO()
    fun readFloat(): FloatArray = TODO()
    fun readInt8(): ByteArray = TODO()
}

interface NpuAcceleratorProvider {
    fun isDeviceSupported(): Boolean
    fun isLibraryReady(): Boolean
    suspend fun downloadLibrary()
    fun getLibraryDir(): String
}

interface NpuCompatibilityChecker {
    companion object {
        val Default: NpuCompatibilityChecker = TODO()
    }
}

class BuiltinNpuAcceleratorProvider @JvmOverloads constructor(
    context: Context,
    npuCompatibilityChecker: NpuCompatibilityChecker = NpuCompatibilityChecker.Default,
) : NpuAcceleratorProvider {
    override fun isDeviceSupported(): Boolean = TODO()
    override fun isLibraryReady(): Boolean = TODO()
    override suspend fun downloadLibrary(): Unit = TODO()
    override fun getLibraryDir(): String = TODO()
}

class Environment private constructor() : JniHandle() {
    enum class Option { CompilerPluginLibraryDir, DispatchLibraryDir }

    fun getAvailableAccelerators(): Set<Accelerator> = TODO()

    companion object {
        fun create(
            context: Context,
            options: Map<Option, String> = mapOf(),
            enableCompilerCache: Boolean = true,
        ): Environment = TODO()

        fun create(options: Map<Option, String> = mapOf()): Environment = TODO()

        fun create(
            npuAcceleratorProvider: NpuAcceleratorProvider,
            options: Map<Option, String> = mapOf(),
        ): Environment = TODO()
    }
}

class Model private constructor() : JniHandle()

class CompiledModel private constructor() : JniHandle() {
    class Options constructor(internal vararg val accelerators: Accelerator)

    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = TODO()
    fun createInputBuffers(signature: String): List<TensorBuffer> = TODO()
    fun createOutputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = TODO()
    fun createOutputBuffers(signature: String): List<TensorBuffer> = TODO()
    fun run(inputs: List<TensorBuffer>, signatureIndex: Int = 0): List<TensorBuffer> = TODO()
    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signatureIndex: Int = 0): Unit = TODO()
    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signature: String): Unit = TODO()

    companion object {
        fun create(model: Model, options: Options, optionalEnv: Environment? = null): CompiledModel = TODO()
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options,
            optionalEnv: Environment? = null,
        ): CompiledModel = TODO()
        fun create(filePath: String, options: Options, optionalEnv: Environment? = null): CompiledModel = TODO()
    }
}
