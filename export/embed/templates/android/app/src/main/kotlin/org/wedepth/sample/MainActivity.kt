package org.wedepth.sample

import android.Manifest
import android.os.Bundle
import android.view.WindowManager
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts
import org.wedepth.Processor

/** Live depth from the back camera, on a processor that is chosen below. */
class MainActivity : ComponentActivity() {
    private lateinit var depthView: DepthView
    private lateinit var status: TextView
    private lateinit var live: LiveDepth
    private val permission = registerForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
        if (granted) live.open() else status.setText(R.string.no_camera_permission)
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        depthView = DepthView(this)
        status = TextView(this)
        live = LiveDepth(this, ::show)
        setContentView(screen())
        live.choose(Processor.CPU)
        permission.launch(Manifest.permission.CAMERA)
    }

    override fun onDestroy() {
        live.close()
        super.onDestroy()
    }

    private fun show(scene: Scene) {
        when (scene) {
            is Scene.Loading -> status.setText(R.string.loading)
            is Scene.Failed -> status.text = scene.sentence
            is Scene.Seen -> {
                depthView.show(scene.depth)
                status.text = getString(R.string.status, scene.processor, scene.milliseconds)
            }
        }
    }

    private fun screen(): LinearLayout {
        val buttons = LinearLayout(this)
        for (processor in Processor.entries) {
            val button = Button(this)
            button.text = processor.name
            button.setOnClickListener { live.choose(processor) }
            buttons.addView(button, LinearLayout.LayoutParams(0, WRAP, 1f))
        }
        return LinearLayout(this).apply {
            orientation = LinearLayout.VERTICAL
            fitsSystemWindows = true
            addView(depthView, LinearLayout.LayoutParams(FILL, 0, 1f))
            addView(status, LinearLayout.LayoutParams(FILL, WRAP))
            addView(buttons, LinearLayout.LayoutParams(FILL, WRAP))
        }
    }

    private companion object {
        const val FILL = LinearLayout.LayoutParams.MATCH_PARENT
        const val WRAP = LinearLayout.LayoutParams.WRAP_CONTENT
    }
}
