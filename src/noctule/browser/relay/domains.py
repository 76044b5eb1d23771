"""Which domains and methods of CDP the clients of a session may call, and why some of them not."""

from collections.abc import Mapping
from typing import Final

_ALL: Final[frozenset[str] | None] = None

# Domains of Chromium 156. ``None`` opens all methods of a domain but those in REFUSED. Not listed, and so
# refused: Cast, DeviceAccess, BluetoothEmulation, SmartCardEmulation, DigitalCredentials (devices beyond the
# page), Extensions and PWA (load and launch from paths), Tethering (opens ports), SystemInfo (command lines,
# processes), CrashReportContext, and whatever comes after.
DOMAINS: Final[Mapping[str, frozenset[str] | None]] = {
    "Browser": frozenset(
        {
            "addPrivacySandboxEnrollmentOverride",
            "cancelDownload",
            "close",
            "getGlobalPrivacyControl",
            "getHistogram",
            "getHistograms",
            "getVersion",
            "getWindowBounds",
            "getWindowForTarget",
            "grantPermissions",
            "resetPermissions",
            "setContentsSize",
            "setDownloadBehavior",
            "setGlobalPrivacyControl",
            "setPermission",
            "setWindowBounds",
        }
    ),
    "Target": frozenset(
        {
            "activateTarget",
            "attachToBrowserTarget",
            "attachToTarget",
            "autoAttachRelated",
            "closeTarget",
            "createBrowserContext",
            "createTarget",
            "detachFromTarget",
            "disposeBrowserContext",
            "getBrowserContexts",
            "getTargetInfo",
            "getTargets",
            "sendMessageToTarget",
            "setAutoAttach",
            "setDiscoverTargets",
        }
    ),
    **dict.fromkeys(
        (
            "Accessibility",
            "Ads",
            "Animation",
            "Audits",
            "Autofill",
            "BackgroundService",
            "CSS",
            "CacheStorage",
            "Console",
            "DOM",
            "DOMDebugger",
            "DOMSnapshot",
            "DOMStorage",
            "Debugger",
            "DeviceOrientation",
            "Emulation",
            "EventBreakpoints",
            "FedCm",
            "Fetch",
            "FileSystem",
            "FindInPage",
            "HeadlessExperimental",
            "HeapProfiler",
            "IO",
            "IndexedDB",
            "Input",
            "Inspector",
            "LayerTree",
            "Log",
            "Media",
            "Memory",
            "Network",
            "Overlay",
            "Page",
            "Performance",
            "PerformanceTimeline",
            "Preload",
            "Profiler",
            "Runtime",
            "Schema",
            "Security",
            "ServiceWorker",
            "Storage",
            "Tracing",
            "WebAudio",
            "WebAuthn",
            "WebMCP",
        ),
        _ALL,
    ),
}

REFUSED: Final[Mapping[str, str]] = {
    "DOM.getFileInfo": "paths of the server are not told",
    "LayerTree.loadSnapshot": "pictures made elsewhere are not loaded into the browser",
    "Page.addCompilationCache": "compiled code made elsewhere is not loaded into the browser",
    "Page.produceCompilationCache": "compiled code made elsewhere is not loaded into the browser",
    "Browser.crash": "the browser belongs to the session; stop the session instead",
    "Browser.crashGpuProcess": "the browser belongs to the session; stop the session instead",
    "Browser.getBrowserCommandLine": "paths of the server are not told",
    "Target.exposeDevToolsProtocol": "pages get no channel to the browser that is not judged",
    "Target.openDevTools": "pages get no channel to the browser that is not judged",
    "Target.getDevToolsTarget": "pages get no channel to the browser that is not judged",
    "Target.setRemoteLocations": "a session sees no browser but its own",
}
