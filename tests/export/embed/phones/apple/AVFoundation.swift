// What the sample uses of AVFoundation and Core Media, as Apple declares it: to check types against, nothing runs.
@_exported import CoreVideo
@_exported import Dispatch
@_exported import Foundation

public final class CMSampleBuffer {}
public func CMSampleBufferGetImageBuffer(_ buffer: CMSampleBuffer) -> CVImageBuffer? { fatalError() }

public struct AVMediaType: Sendable {
    public static let video = AVMediaType()
}
open class AVCaptureDevice: NSObject {
    public enum Position: Int { case unspecified, back, front }
    public struct DeviceType: Sendable {
        public static let builtInWideAngleCamera = DeviceType()
    }
    public class func `default`(
        _ deviceType: DeviceType, for mediaType: AVMediaType?, position: Position
    ) -> AVCaptureDevice? { fatalError() }
    public class func requestAccess(for mediaType: AVMediaType) async -> Bool { fatalError() }
}
open class AVCaptureInput: NSObject {}
open class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws { fatalError() }
}
open class AVCaptureConnection: NSObject {
    public func isVideoRotationAngleSupported(_ angle: CGFloat) -> Bool { fatalError() }
    public var videoRotationAngle: CGFloat { get { fatalError() } set { fatalError() } }
}
open class AVCaptureOutput: NSObject {
    public func connection(with mediaType: AVMediaType) -> AVCaptureConnection? { fatalError() }
}
public protocol AVCaptureVideoDataOutputSampleBufferDelegate: AnyObject {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection)
}
open class AVCaptureVideoDataOutput: AVCaptureOutput {
    public override init() { fatalError() }
    public var videoSettings: [String: Any]! { get { fatalError() } set { fatalError() } }
    public var alwaysDiscardsLateVideoFrames: Bool { get { fatalError() } set { fatalError() } }
    public func setSampleBufferDelegate(
        _ delegate: AVCaptureVideoDataOutputSampleBufferDelegate?, queue: DispatchQueue?
    ) { fatalError() }
}
open class AVCaptureSession: NSObject {
    public struct Preset: Sendable {
        public static let vga640x480 = Preset()
    }
    public override init() { fatalError() }
    public var sessionPreset: Preset { get { fatalError() } set { fatalError() } }
    public var inputs: [AVCaptureInput] { fatalError() }
    public var outputs: [AVCaptureOutput] { fatalError() }
    public func beginConfiguration() { fatalError() }
    public func commitConfiguration() { fatalError() }
    public func canAddInput(_ input: AVCaptureInput) -> Bool { fatalError() }
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { fatalError() }
    public func addInput(_ input: AVCaptureInput) { fatalError() }
    public func addOutput(_ output: AVCaptureOutput) { fatalError() }
    public func removeInput(_ input: AVCaptureInput) { fatalError() }
    public func removeOutput(_ output: AVCaptureOutput) { fatalError() }
    public func startRunning() { fatalError() }
    public func stopRunning() { fatalError() }
}
