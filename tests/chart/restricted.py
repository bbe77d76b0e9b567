"""The Pod Security Standard "restricted", rule by rule, as kubernetes.io/docs/concepts/security/pod-security-standards has it.
What `restricted` asks for beyond `baseline` covers some rules of `baseline`; the others are here too.
"""

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}
PROFILES = {"RuntimeDefault", "Localhost"}


def broken(pod: dict, annotations: dict | None = None) -> list[str]:
    """Every rule that a Pod breaks, with where it does."""
    found = []
    security = pod.get("securityContext", {})
    containers = [
        (f"{kind}[{each['name']}]", each)
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for each in pod.get(kind, [])
    ]
    contexts = [("pod", security)] + [(place, each.get("securityContext", {})) for place, each in containers]

    def refuse(rule: str, place: str):
        found.append(f"{rule}: {place}")

    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            refuse("host namespaces", name)
    for volume in pod.get("volumes", []):
        if set(volume) - {"name"} - VOLUMES:
            refuse("volume types", volume["name"])
    for sysctl in security.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            refuse("sysctls", sysctl["name"])
    for name, value in (annotations or {}).items():
        if name.startswith("container.apparmor.security.beta.kubernetes.io/") and not (
            value == "runtime/default" or value.startswith("localhost/")
        ):
            refuse("AppArmor", name)

    for place, context in contexts:
        if context.get("windowsOptions", {}).get("hostProcess"):
            refuse("HostProcess", place)
        if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in PROFILES:
            refuse("AppArmor", place)
        labels = context.get("seLinuxOptions", {})
        if labels.get("type", "") not in SELINUX or labels.get("user") or labels.get("role"):
            refuse("SELinux", place)
        if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in PROFILES:
            refuse("seccomp", place)
        if context.get("runAsUser") == 0:
            refuse("running as non-root user", place)
        if context.get("runAsNonRoot") is False:
            refuse("running as non-root", place)

    for place, container in containers:
        context = container.get("securityContext", {})
        capabilities = context.get("capabilities", {})
        if context.get("privileged"):
            refuse("privileged containers", place)
        if context.get("allowPrivilegeEscalation") is not False:
            refuse("privilege escalation", place)
        if "ALL" not in capabilities.get("drop", []):
            refuse("capabilities dropped", place)
        if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
            refuse("capabilities added", place)
        if context.get("procMount", "Default") != "Default":
            refuse("/proc mount type", place)
        if not context.get("runAsNonRoot", security.get("runAsNonRoot")):
            refuse("running as non-root", place)
        if "type" not in context.get("seccompProfile", security.get("seccompProfile", {})):
            refuse("seccomp", place)
        for port in container.get("ports", []):
            if port.get("hostPort"):
                refuse("host ports", place)
        asked = [container.get(name, {}) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
        asked += list(container.get("lifecycle", {}).values())
        if any(each.get(way, {}).get("host") for each in asked for way in ("httpGet", "tcpSocket")):
            refuse("host of probes", place)
    return found
