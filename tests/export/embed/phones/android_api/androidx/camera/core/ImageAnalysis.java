package androidx.camera.core;

public final class ImageAnalysis extends UseCase {
    public static final int OUTPUT_IMAGE_FORMAT_RGBA_8888 = 2;
    public static final int STRATEGY_KEEP_ONLY_LATEST = 0;

    public interface Analyzer {
        void analyze(ImageProxy image);
    }

    public static final class Builder {
        public Builder() {
        }

        public Builder setResolutionSelector(androidx.camera.core.resolutionselector.ResolutionSelector selector) { throw new UnsupportedOperationException(); }

        public Builder setBackpressureStrategy(int strategy) { throw new UnsupportedOperationException(); }

        public Builder setOutputImageFormat(int outputImageFormat) { throw new UnsupportedOperationException(); }

        public ImageAnalysis build() { throw new UnsupportedOperationException(); }
    }

    public void clearAnalyzer() { throw new UnsupportedOperationException(); }

    public void setAnalyzer(java.util.concurrent.Executor executor, Analyzer analyzer) { throw new UnsupportedOperationException(); }
}
