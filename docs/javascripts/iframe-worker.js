/* The search runs in a worker, and a browser starts none for a page that was opened from disk.
   There a hidden frame takes its place; on a server nothing is changed. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.onmessage = null
      this.waiting = []
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.appendChild(this.frame)
      const inside = this.frame.contentWindow
      inside.document.open()
      inside.document.write("<!doctype html><body></body>")
      inside.document.close()
      inside.__index = window.__index
      // what the worker posts comes out here
      inside.postMessage = data => {
        const event = new MessageEvent("message", { data })
        this.dispatchEvent(event)
        if (this.onmessage) this.onmessage(event)
      }
      inside.importScripts = (...urls) => Promise.all(urls.map(each => this.load(each)))
      this.load(new URL(url, location.href).href).then(() => {
        this.inside = inside
        this.waiting.splice(0).forEach(data => this.postMessage(data))
      })
    }
    load(url) {
      return new Promise((resolve, reject) => {
        const script = this.frame.contentDocument.createElement("script")
        script.src = url
        script.onload = resolve
        script.onerror = () => reject(new Error(`cannot read ${url}`))
        this.frame.contentDocument.body.appendChild(script)
      })
    }
    postMessage(data) {
      if (!this.inside) return void this.waiting.push(data)
      const event = new this.inside.MessageEvent("message", { data })
      if (this.inside.onmessage) this.inside.onmessage(event)
      this.inside.dispatchEvent(event)
    }
    terminate() {
      this.frame.remove()
    }
  }
}
