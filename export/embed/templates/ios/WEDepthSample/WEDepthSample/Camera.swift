import AVFoundation
import CoreVideo

/// A frame of the camera, upright, 32-bit BGRA. It is handed from the camera's queue to one reader, and to no other.
struct Frame: @unchecked Sendable {
    let pixels: CVPixelBuffer
}

/// What keeps the camera from being used, in a sentence.
struct CameraError: LocalizedError {
    let errorDescription: String?
}

/// The back camera, 640×480, held upright.
final class Camera: NSObject, AVCaptureVideoDataOutputSampleBufferDelegate, @unchecked Sendable {
    private let session = AVCaptureSession()
    private let queue = DispatchQueue(label: "camera")
    private var continuation: AsyncStream<Frame>.Continuation?

    /// Frames as they come; whoever is slower than the camera misses some. Throws a `CameraError`.
    func open() async throws -> AsyncStream<Frame> {
        guard await AVCaptureDevice.requestAccess(for: .video) else {
            throw CameraError(
                errorDescription: "Without the camera there is nothing to measure. Allow it in the system's settings.")
        }
        try configure()
        let (frames, continuation) = AsyncStream.makeStream(of: Frame.self, bufferingPolicy: .bufferingNewest(1))
        self.continuation = continuation
        queue.async { self.session.startRunning() }
        return frames
    }

    func close() {
        continuation?.finish()
        queue.async { self.session.stopRunning() }
    }

    private func configure() throws {
        guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: .back) else {
            throw CameraError(errorDescription: "There is no camera at the back of this device.")
        }
        let input: AVCaptureDeviceInput
        do {
            input = try AVCaptureDeviceInput(device: device)
        } catch {
            throw CameraError(errorDescription: "The camera does not open: \(error.localizedDescription)")
        }
        let output = AVCaptureVideoDataOutput()
        output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA]
        output.alwaysDiscardsLateVideoFrames = true
        output.setSampleBufferDelegate(self, queue: queue)

        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.inputs.forEach(session.removeInput)
        session.outputs.forEach(session.removeOutput)
        // The network sees a few hundred pixels: more cost time and show nothing.
        session.sessionPreset = .vga640x480
        guard session.canAddInput(input), session.canAddOutput(output) else {
            throw CameraError(errorDescription: "The camera does not give frames.")
        }
        session.addInput(input)
        session.addOutput(output)
        if let connection = output.connection(with: .video), connection.isVideoRotationAngleSupported(90) {
            connection.videoRotationAngle = 90
        }
    }

    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
    ) {
        guard let pixels = CMSampleBufferGetImageBuffer(sampleBuffer) else { return }
        continuation?.yield(Frame(pixels: pixels))
    }
}
