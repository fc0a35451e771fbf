import SwiftUI

@main
struct WEDepthSampleApp: App {
    var body: some Scene {
        WindowGroup {
            DepthScreen()
        }
    }
}
