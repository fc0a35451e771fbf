package android.graphics;

public class Canvas {
    public Canvas(Bitmap bitmap) { throw new UnsupportedOperationException(); }
    public void drawBitmap(Bitmap bitmap, float left, float top, Paint paint) { throw new UnsupportedOperationException(); }
    public void drawBitmap(Bitmap bitmap, Rect src, RectF dst, Paint paint) { throw new UnsupportedOperationException(); }
    public void drawCircle(float cx, float cy, float radius, Paint paint) { throw new UnsupportedOperationException(); }
    public void drawText(String text, float x, float y, Paint paint) { throw new UnsupportedOperationException(); }
    public void drawRect(float left, float top, float right, float bottom, Paint paint) { throw new UnsupportedOperationException(); }
}
