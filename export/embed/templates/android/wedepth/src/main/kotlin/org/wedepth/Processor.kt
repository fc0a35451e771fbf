package org.wedepth

import com.google.ai.edge.litert.Accelerator

/** What the network runs on. The one that is asked for runs all of it, or loading fails: nothing falls back. */
enum class Processor(internal val accelerator: Accelerator) {
    CPU(Accelerator.CPU),

    /** Computes in half precision. */
    GPU(Accelerator.GPU),

    /** Needs its maker's plug-in libraries in the app, and a chip that they are for. */
    NPU(Accelerator.NPU),
}
