package android.graphics;

public class Paint {
    public static final int ANTI_ALIAS_FLAG = 0x01;
    public static final int FILTER_BITMAP_FLAG = 0x02;

    public enum Style { FILL, STROKE, FILL_AND_STROKE }

    public enum Align { LEFT, CENTER, RIGHT }

    public Paint() { throw new UnsupportedOperationException(); }
    public Paint(int flags) { throw new UnsupportedOperationException(); }
    public int getColor() { throw new UnsupportedOperationException(); }
    public void setColor(int color) { throw new UnsupportedOperationException(); }
    public float getTextSize() { throw new UnsupportedOperationException(); }
    public void setTextSize(float textSize) { throw new UnsupportedOperationException(); }
    public Align getTextAlign() { throw new UnsupportedOperationException(); }
    public void setTextAlign(Align align) { throw new UnsupportedOperationException(); }
    public Style getStyle() { throw new UnsupportedOperationException(); }
    public void setStyle(Style style) { throw new UnsupportedOperationException(); }
    public float getStrokeWidth() { throw new UnsupportedOperationException(); }
    public void setStrokeWidth(float width) { throw new UnsupportedOperationException(); }
    public void setShadowLayer(float radius, float dx, float dy, int shadowColor) { throw new UnsupportedOperationException(); }
}
