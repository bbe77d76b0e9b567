"""The judge of Pods: it passes one that keeps the standard, and finds each way to break it."""

import copy
import unittest

from restricted import broken

SOUND = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{
        "name": "a",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "ports": [{"containerPort": 1}],
    }],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}


def pod(change) -> dict:
    changed = copy.deepcopy(SOUND)
    change(changed)
    return changed


def of_pod(name, value):
    return lambda pod: pod.__setitem__(name, value)


def of_pods_context(name, value):
    return lambda pod: pod["securityContext"].__setitem__(name, value)


def of_context(name, value):
    return lambda pod: pod["containers"][0]["securityContext"].__setitem__(name, value)


def of_container(name, value):
    return lambda pod: pod["containers"][0].__setitem__(name, value)


def without(*path):
    def change(pod):
        *above, last = path
        for step in above:
            pod = pod[step]
        del pod[last]
    return change


BREAKS = [
    ("host namespaces", of_pod("hostNetwork", True)),
    ("host namespaces", of_pod("hostPID", True)),
    ("host namespaces", of_pod("hostIPC", True)),
    ("volume types", of_pod("volumes", [{"name": "a", "hostPath": {"path": "/"}}])),
    ("volume types", of_pod("volumes", [{"name": "a", "nfs": {"path": "/", "server": "a"}}])),
    ("sysctls", of_pods_context("sysctls", [{"name": "kernel.msgmax", "value": "1"}])),
    ("HostProcess", of_pods_context("windowsOptions", {"hostProcess": True})),
    ("HostProcess", of_context("windowsOptions", {"hostProcess": True})),
    ("AppArmor", of_pods_context("appArmorProfile", {"type": "Unconfined"})),
    ("AppArmor", of_context("appArmorProfile", {"type": "Unconfined"})),
    ("SELinux", of_pods_context("seLinuxOptions", {"type": "spc_t"})),
    ("SELinux", of_context("seLinuxOptions", {"user": "system_u"})),
    ("SELinux", of_context("seLinuxOptions", {"role": "sysadm_r"})),
    ("seccomp", of_pods_context("seccompProfile", {"type": "Unconfined"})),
    ("seccomp", of_context("seccompProfile", {"type": "Unconfined"})),
    ("seccomp", without("securityContext", "seccompProfile")),
    ("running as non-root user", of_pods_context("runAsUser", 0)),
    ("running as non-root user", of_context("runAsUser", 0)),
    ("running as non-root", of_pods_context("runAsNonRoot", False)),
    ("running as non-root", of_context("runAsNonRoot", False)),
    ("running as non-root", without("securityContext", "runAsNonRoot")),
    ("privileged containers", of_context("privileged", True)),
    ("privilege escalation", of_context("allowPrivilegeEscalation", True)),
    ("privilege escalation", without("containers", 0, "securityContext", "allowPrivilegeEscalation")),
    ("capabilities dropped", without("containers", 0, "securityContext", "capabilities")),
    ("capabilities dropped", of_context("capabilities", {"drop": ["NET_RAW"]})),
    ("capabilities added", of_context("capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
    ("/proc mount type", of_context("procMount", "Unmasked")),
    ("host ports", of_container("ports", [{"containerPort": 1, "hostPort": 1}])),
    ("host of probes", of_container("livenessProbe", {"httpGet": {"port": 1, "host": "169.254.169.254"}})),
    ("host of probes", of_container("lifecycle", {"preStop": {"tcpSocket": {"port": 1, "host": "a"}}})),
]


class Restricted(unittest.TestCase):
    """Each rule of the standard."""

    def test_a_pod_that_keeps_the_standard_breaks_nothing(self):
        self.assertEqual(broken(SOUND), [])
        self.assertEqual(broken(pod(of_context("capabilities", {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}))), [])

    def test_each_rule_is_found_broken(self):
        for rule, change in BREAKS:
            changed = pod(change)
            with self.subTest(rule=rule, pod=changed):
                self.assertIn(rule, {each.split(": ")[0] for each in broken(changed)})
                # As an init container it is found too.
                changed["initContainers"] = changed["containers"]
                changed["containers"] = copy.deepcopy(SOUND["containers"])
                self.assertIn(rule, {each.split(": ")[0] for each in broken(changed)})

    def test_the_older_annotation_is_looked_at(self):
        annotations = {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}
        self.assertEqual(len(broken(SOUND, annotations)), 1)


if __name__ == "__main__":
    unittest.main()
