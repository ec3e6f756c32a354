//! Instances as machines: power, boot, and what goes wrong with them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::instances::{CREATION, Instance, Power};
use super::{Effect, State};
use crate::account::faults::glob;
use crate::account::refusal::Refusal;
use crate::world::{Disturbance, InstanceSpec};

impl State {
    /// Start, halt or reboot.
    pub(crate) fn switch_instance(
        &mut self,
        id: &str,
        power: Power,
        restart: bool,
    ) -> Result<(), Refusal> {
        let instance = self.instances.find_mut(id)?;
        let before = std::mem::replace(&mut instance.power, power);
        let runs_here = instance.active && instance.node.is_none();
        let effect = match (before, power) {
            (Power::Running, Power::Stopped) => Some(Effect::HaltInstance(id.to_owned())),
            (Power::Stopped, Power::Running) => Some(Effect::ResumeInstance(id.to_owned())),
            (Power::Running, Power::Running) if restart => {
                Some(Effect::RebootInstance(id.to_owned()))
            }
            _ => None,
        };
        self.effects.extend(effect.filter(|_| runs_here));
        Ok(())
    }

    /// A new disk from the same image: everything on it is lost.
    pub(crate) fn reinstall_instance(
        &mut self,
        id: &str,
        hostname: Option<String>,
    ) -> Result<&Instance, Refusal> {
        let ready_at = self.now + CREATION;
        let instance = self.instances.find_mut(id)?;
        if instance.node.is_some() {
            return Err(Refusal::invalid("Unable to reinstall a Kubernetes node"));
        }
        (
            instance.active,
            instance.booted,
            instance.power,
            instance.ready_at,
        ) = (false, false, Power::Running, ready_at);
        instance.hostname = hostname.unwrap_or_else(|| instance.hostname.clone());
        self.effects.push(Effect::DestroyInstance(id.to_owned()));
        self.instances.find(id)
    }

    /// Power comes on for the first time: hands the host to the engines.
    pub(super) fn boot_instance(&mut self, id: &str) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let spec = InstanceSpec {
            id: id.to_owned(),
            hostname: instance.hostname.clone(),
            address: instance.address,
            private_ip: instance.nics.first().map(|nic| nic.ip),
            os: instance
                .image
                .map_or_else(String::new, |image| image.name.to_owned()),
            user_data: decode_user_data(&instance.user_data).unwrap_or_default(),
            ssh_keys: instance.ssh_keys.clone(),
        };
        let halted = instance.power == Power::Stopped;
        if self
            .conditions
            .sshd_down
            .iter()
            .any(|pattern| glob::matches(pattern, &instance.label))
        {
            self.effects.push(Effect::Disturb {
                id: id.to_owned(),
                disturbance: Disturbance::SshdDown,
            });
        }
        self.effects.push(Effect::StartInstance(Box::new(spec)));
        if halted {
            self.effects.push(Effect::HaltInstance(id.to_owned()));
        }
    }

    /// Lets hosts misbehave now: those of the customer's own whose label matches.
    pub(crate) fn disturb_instances(&mut self, pattern: &str, disturbance: Disturbance) {
        let hosts = self.instances.iter().filter(|instance| {
            instance.node.is_none() && instance.active && glob::matches(pattern, &instance.label)
        });
        let orders: Vec<Effect> = hosts
            .map(|instance| Effect::Disturb {
                id: instance.id.clone(),
                disturbance,
            })
            .collect();
        self.effects.extend(orders);
    }

    /// The engines have booted it.
    pub(crate) fn instance_started(&mut self, id: &str) {
        if let Some(instance) = self.instances.get_mut(id) {
            instance.booted = true;
            instance.trouble = None;
        }
    }
}

/// User data as the host reads it.
pub(super) fn decode_user_data(text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD
        .decode(text)
        .map_err(|_| Refusal::invalid("User data must be base64 encoded"))
}
