// SPDX-License-Identifier: Apache-2.0
//! Needs of a module, read from its loaded code: imports, permissions, memory and entry point.

use ocre::image::Image;
use ocre::image::OciLayout;
use ocre::image::judge::{self, Policy};
use ocre::image::permission::{Permission, Permissions};
use ocre::limits::PAGE_BYTES;
use ocre::port::{Engine, External, HostModule, Storage};

/// Host functions of the guest API.
const GUEST_API: &[HostModule] = &[ocre_guest_api::MODULE];

/// Host function that frees the data of a message. A guest that takes events of any kind imports
/// it, but calls it for messages alone, so its import asks for no permission.
const GIVES_BACK: &str = "ocre_messaging_free_module_event_data";

/// A module's imports, and the memory that it starts with.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Imports, in the module's order.
    pub imports: Vec<Import>,
    /// Bytes of linear memory at its start.
    pub memory_bytes: u64,
}

/// An imported function.
#[derive(Clone, Debug)]
pub struct Import {
    /// `MODULE.NAME`.
    pub name: String,
    /// Permission without which the function is of no use.
    pub permission: Option<Permission>,
}

impl Needs {
    /// Needs of a loaded module.
    pub fn of<E: Engine>(engine: &E, module: &E::Module) -> Self {
        let mut imports = Vec::new();
        engine.imports(module, &mut |from, name, what| {
            let asks = matches!(what, External::Function { .. }) && name != GIVES_BACK;
            let found = HostModule::find(GUEST_API, from, name).filter(|_| asks);
            imports.push(Import {
                name: format!("{from}.{name}"),
                permission: found.and_then(|(index, _)| ocre_guest_api::permission(index)),
            });
        });
        Self {
            imports,
            memory_bytes: u64::from(engine.minimum_pages(module)).saturating_mul(PAGE_BYTES),
        }
    }

    /// Needs of the code of a judged image; `None` where the code can't be loaded here.
    pub fn of_image<S: Storage, E: Engine>(
        source: OciLayout<'_, S>,
        image: &Image,
        engine: &E,
        policy: &Policy<'_>,
    ) -> Option<Self> {
        let code = judge::read_executable(source, engine, &image.executable).ok()?;
        let image = image.loadable();
        let loaded = judge::load(engine, code, &image, policy, &mut |_| {});
        Some(Self::of(engine, &loaded.ok()?))
    }

    /// Lists the imports; those of WASI as a number alone.
    pub fn imports_in_short(&self) -> String {
        let wasi = format!("{}.", ocre_wasi::MODULE.name.to_string_lossy());
        let is_wasi = |import: &&Import| import.name.starts_with(&wasi);
        let count = self.imports.iter().filter(is_wasi).count();
        let short = (count > 0).then(|| format!("{count} of WASI preview 1"));
        let others = self.imports.iter().filter(|import| !is_wasi(import));
        let names = short
            .into_iter()
            .chain(others.map(|import| import.name.clone()));
        names.collect::<Vec<_>>().join(", ")
    }

    /// Permissions that the imports need.
    pub fn permissions(&self) -> Permissions {
        let mut needed = Permissions::NONE;
        let permissions = self.imports.iter().filter_map(|import| import.permission);
        permissions.for_each(|permission| needed.insert(permission));
        needed
    }

    /// Lists the imports that need one of these permissions, separated by commas.
    pub fn imports_of(&self, permissions: Permissions) -> String {
        let needs = |import: &&Import| {
            let permission = import.permission;
            permission.is_some_and(|permission| permissions.contains(permission))
        };
        let names = self.imports.iter().filter(needs);
        let names: Vec<&str> = names.map(|import| &*import.name).collect();
        names.join(", ")
    }
}

/// Lists the names of permissions, separated by commas.
pub fn names(permissions: Permissions) -> String {
    let names: Vec<&str> = permissions.iter().map(Permission::name).collect();
    names.join(", ")
}

/// Lists the options that grant permissions: `--cap gpio --cap timers`.
pub fn options(permissions: Permissions) -> String {
    let options = permissions.iter();
    let options: Vec<String> = options
        .map(|permission| format!("--cap {}", permission.name()))
        .collect();
    options.join(" ")
}
