package org.wedepth

import android.graphics.ImageFormat
import android.graphics.PixelFormat
import androidx.camera.core.ImageProxy

/**
 * Depth of a frame of CameraX, upright as its rotation says.
 *
 * @param frame in RGBA: give `ImageAnalysis` OUTPUT_IMAGE_FORMAT_RGBA_8888. It is not closed.
 * @throws DepthException for frames in YUV, and where LiteRT cannot run the model.
 */
fun DepthModel.predict(frame: ImageProxy, fit: Fit = Fit.LETTERBOX): DepthMap =
    predict(frame.pixels().upright(Orientation.ofRotation(frame.imageInfo.rotationDegrees)), fit)

private fun ImageProxy.pixels(): Pixels {
    if (format != PixelFormat.RGBA_8888) {
        val found = if (format == ImageFormat.YUV_420_888) "YUV" else "format $format"
        throw DepthException("Frames are read in RGBA, and this one is in $found: set OUTPUT_IMAGE_FORMAT_RGBA_8888.")
    }
    val plane = planes[0]
    val buffer = plane.buffer
    buffer.rewind()
    val bytes = ByteArray(buffer.remaining())
    buffer.get(bytes)
    return Pixels(bytes, PixelLayout(width, height, plane.rowStride, plane.pixelStride))
}
