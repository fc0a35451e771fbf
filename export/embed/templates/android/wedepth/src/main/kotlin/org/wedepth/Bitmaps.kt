package org.wedepth

import android.graphics.Bitmap
import android.graphics.Canvas
import java.nio.ByteBuffer

/** The bitmap's pixels in sRGB, which the network was trained on. */
internal fun Bitmap.pixels(): Pixels {
    if (isRecycled) throw DepthException("The image cannot be read: it was recycled.")
    val image = inSrgb()
    val bytes = ByteBuffer.allocate(image.rowBytes * image.height)
    image.copyPixelsToBuffer(bytes)
    return Pixels(bytes.array(), PixelLayout(image.width, image.height, image.rowBytes, bytesPerPixel = 4))
}

/** The bitmap, or a copy, with 8 bits a channel in the order R, G, B, A, which Android calls ARGB_8888. */
private fun Bitmap.inSrgb(): Bitmap {
    if (config == Bitmap.Config.ARGB_8888 && colorSpace?.isSrgb != false) return this
    val readable = if (config == Bitmap.Config.HARDWARE) copy(Bitmap.Config.ARGB_8888, false) else this
    if (readable == null) throw DepthException("The image cannot be read: there is no memory for a copy.")
    val drawn = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    Canvas(drawn).drawBitmap(readable, 0f, 0f, null)
    return drawn
}
