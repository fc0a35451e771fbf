package android.view;

public class View {
    public interface OnClickListener {
        void onClick(View v);
    }

    public View(android.content.Context context) { throw new UnsupportedOperationException(); }
    public void setOnClickListener(OnClickListener l) { throw new UnsupportedOperationException(); }
    public void setContentDescription(CharSequence contentDescription) { throw new UnsupportedOperationException(); }
    public CharSequence getContentDescription() { throw new UnsupportedOperationException(); }
    public void invalidate() { throw new UnsupportedOperationException(); }
    protected void onDraw(android.graphics.Canvas canvas) { throw new UnsupportedOperationException(); }
    public boolean onTouchEvent(MotionEvent event) { throw new UnsupportedOperationException(); }
    public boolean performClick() { throw new UnsupportedOperationException(); }
    public final int getWidth() { throw new UnsupportedOperationException(); }
    public final int getHeight() { throw new UnsupportedOperationException(); }
    public android.content.res.Resources getResources() { throw new UnsupportedOperationException(); }
    public void setFitsSystemWindows(boolean fitSystemWindows) { throw new UnsupportedOperationException(); }
    public boolean getFitsSystemWindows() { throw new UnsupportedOperationException(); }
}
