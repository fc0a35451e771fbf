package org.wedepth.sample

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import android.view.MotionEvent
import android.view.View
import org.wedepth.DepthMap

/** A depth map in colour, what the colours mean in metres, and the distance under the finger, or in the middle. */
class DepthView(context: Context) : View(context) {
    private val scale = ColourScale(near = 0.5f, far = 6f)
    private val unit = resources.displayMetrics.density
    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = Color.WHITE
        textSize = 16 * unit
        textAlign = Paint.Align.CENTER
        setShadowLayer(3 * unit, 0f, 0f, Color.BLACK)
    }
    private val mark = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = Color.WHITE
        style = Paint.Style.STROKE
        strokeWidth = 2 * unit
    }
    private val fill = Paint(Paint.FILTER_BITMAP_FLAG)
    private val frame = RectF()
    private var depth: DepthMap? = null
    private var picture: Bitmap? = null
    private var finger: Pair<Float, Float>? = null

    /** Shows [depth] until the next. */
    fun show(depth: DepthMap) {
        val colours = IntArray(depth.metres.size) { scale.colour(depth.metres[it]) }
        picture = Bitmap.createBitmap(colours, depth.width, depth.height, Bitmap.Config.ARGB_8888)
        this.depth = depth
        contentDescription = reading(depth, depth.width / 2, depth.height / 2)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val (picture, depth) = (picture ?: return) to (depth ?: return)
        fit(picture)
        canvas.drawBitmap(picture, null, frame, fill)
        drawReading(canvas, depth)
        drawScale(canvas)
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN, MotionEvent.ACTION_MOVE -> finger = event.x to event.y
            MotionEvent.ACTION_UP -> performClick()
        }
        invalidate()
        return true
    }

    override fun performClick(): Boolean {
        super.performClick()
        return true
    }

    /** Puts the picture in the middle, as large as it fits. */
    private fun fit(picture: Bitmap) {
        val factor = minOf(width.toFloat() / picture.width, height.toFloat() / picture.height)
        val (wide, high) = factor * picture.width to factor * picture.height
        frame.set((width - wide) / 2, (height - high) / 2, (width + wide) / 2, (height + high) / 2)
    }

    private fun drawReading(canvas: Canvas, depth: DepthMap) {
        val (x, y) = finger?.takeIf { frame.contains(it.first, it.second) } ?: (frame.centerX() to frame.centerY())
        val column = ((x - frame.left) / frame.width() * depth.width).toInt().coerceIn(0, depth.width - 1)
        val row = ((y - frame.top) / frame.height() * depth.height).toInt().coerceIn(0, depth.height - 1)
        canvas.drawCircle(x, y, 10 * unit, mark)
        canvas.drawText(reading(depth, column, row), x, y - 16 * unit, text)
    }

    private fun drawScale(canvas: Canvas) {
        val (left, right) = 32 * unit to width - 32 * unit
        val (top, bottom) = height - 56 * unit to height - 40 * unit
        val bar = Paint()
        for (step in 0 until BARS) {
            bar.color = scale.colour(scale.near + (scale.far - scale.near) * step / (BARS - 1))
            val start = left + (right - left) * step / BARS
            canvas.drawRect(start, top, start + (right - left) / BARS + 1, bottom, bar)
        }
        for (number in 0 until LABELS) {
            val part = number.toFloat() / (LABELS - 1)
            val metres = scale.near + part * (scale.far - scale.near)
            val label = resources.getString(R.string.metres, metres)
            canvas.drawText(label, left + part * (right - left), height - 16 * unit, text)
        }
    }

    private fun reading(depth: DepthMap, column: Int, row: Int): String {
        val metres = depth.depthAt(column, row) ?: return ""
        return resources.getString(R.string.reading, metres)
    }

    private companion object {
        const val BARS = 128
        const val LABELS = 4
    }
}
