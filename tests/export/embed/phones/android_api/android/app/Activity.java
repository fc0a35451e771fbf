package android.app;

public class Activity extends android.content.Context {
    protected void onCreate(android.os.Bundle savedInstanceState) { throw new UnsupportedOperationException(); }
    protected void onDestroy() { throw new UnsupportedOperationException(); }
    public android.view.Window getWindow() { throw new UnsupportedOperationException(); }
    public void setContentView(android.view.View view) { throw new UnsupportedOperationException(); }
    public final void runOnUiThread(Runnable action) { throw new UnsupportedOperationException(); }
    public android.content.res.AssetManager getAssets() { throw new UnsupportedOperationException(); }
    public android.content.Context getApplicationContext() { throw new UnsupportedOperationException(); }
    public android.content.res.Resources getResources() { throw new UnsupportedOperationException(); }
}
