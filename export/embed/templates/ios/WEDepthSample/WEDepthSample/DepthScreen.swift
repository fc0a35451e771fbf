import CoreML
import SwiftUI
import WEDepthKit

/// Live depth in colour, what the colours mean in metres, and the distance under the finger, or in the middle.
struct DepthScreen: View {
    @StateObject private var live = LiveDepth()
    @State private var units = MLComputeUnits.all
    /// Where the finger is, in parts of the picture's width and height.
    @State private var finger = CGPoint(x: 0.5, y: 0.5)

    var body: some View {
        VStack(spacing: 12) {
            if let reading = live.reading {
                DepthPicture(reading: reading, finger: $finger)
                ScaleBar(scale: live.scale)
                Text("\(reading.milliseconds) ms a frame")
            } else {
                Spacer()
            }
            if !live.message.isEmpty {
                Text(live.message)
            }
            Picker("Compute units", selection: $units) {
                Text("All").tag(MLComputeUnits.all)
                Text("Neural Engine").tag(MLComputeUnits.cpuAndNeuralEngine)
                Text("GPU").tag(MLComputeUnits.cpuAndGPU)
                Text("CPU").tag(MLComputeUnits.cpuOnly)
            }
            .pickerStyle(.segmented)
            Button("Self-test") {
                Task { await live.test() }
            }
        }
        .padding()
        .task { await live.run() }
        .task(id: units) { await live.choose(units) }
    }
}

private struct DepthPicture: View {
    let reading: LiveDepth.Reading
    @Binding var finger: CGPoint

    var body: some View {
        Image(decorative: reading.picture, scale: 1)
            .resizable()
            .aspectRatio(contentMode: .fit)
            .overlay {
                GeometryReader { geometry in
                    mark(in: geometry.size)
                        .gesture(
                            DragGesture(minimumDistance: 0).onChanged { drag in
                                finger = CGPoint(
                                    x: part(drag.location.x, of: geometry.size.width),
                                    y: part(drag.location.y, of: geometry.size.height))
                            })
                }
            }
            .accessibilityElement()
            .accessibilityLabel("Depth map")
            .accessibilityValue(distance)
    }

    private func mark(in size: CGSize) -> some View {
        ZStack {
            Color.clear.contentShape(Rectangle())
            VStack(spacing: 4) {
                Text(distance).font(.headline).shadow(radius: 3)
                Circle().stroke(.white, lineWidth: 2).frame(width: 20, height: 20)
            }
            .foregroundStyle(.white)
            .position(x: finger.x * size.width, y: finger.y * size.height - 12)
        }
    }

    private var distance: String {
        let depth = reading.depth
        let column = min(Int(finger.x * CGFloat(depth.width)), depth.width - 1)
        let row = min(Int(finger.y * CGFloat(depth.height)), depth.height - 1)
        guard let metres = depth.depth(at: column, row) else { return "" }
        return String(format: "%.2f m", metres)
    }

    private func part(_ value: CGFloat, of whole: CGFloat) -> CGFloat {
        min(max(value / whole, 0), 1)
    }
}

private struct ScaleBar: View {
    let scale: ColourScale
    private let labels = 4

    var body: some View {
        VStack(spacing: 2) {
            LinearGradient(colors: (0..<32).map { colour(Float($0) / 31) }, startPoint: .leading, endPoint: .trailing)
                .frame(height: 14)
            HStack {
                ForEach(0..<labels, id: \.self) { label in
                    if label > 0 { Spacer() }
                    Text(String(format: "%.1f m", metres(Float(label) / Float(labels - 1)))).font(.caption)
                }
            }
        }
        .accessibilityElement(children: .combine)
    }

    private func metres(_ part: Float) -> Float {
        scale.near + part * (scale.far - scale.near)
    }

    private func colour(_ part: Float) -> Color {
        let colour = scale.colour(of: metres(part))
        return Color(
            red: Double(colour.red) / 255, green: Double(colour.green) / 255, blue: Double(colour.blue) / 255)
    }
}
