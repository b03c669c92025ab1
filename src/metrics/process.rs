//! The process itself, under the names that all programs have for it; and which version it is.

use std::{fs, str::FromStr};

use futures_util::future::BoxFuture;
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

use super::{Page, Source};

/// The process. Where there is no `/proc`, only its version is known.
#[derive(Clone, Copy, Debug)]
pub struct Process;

impl Source for Process {
    fn write<'a>(&'a self, page: &'a mut Page) -> BoxFuture<'a, ()> {
        page.gauge("latchkey_build_info", "Always 1; the version is its label.")
            .is(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        // What the kernel tells at once: no disk is read.
        if let Some(usage) = Usage::read() {
            usage.write(page);
        }
        Box::pin(async {})
    }
}

struct Usage {
    cpu_seconds: f64,
    started_at: f64,
    resident: u64,
    virtual_size: u64,
    open_files: usize,
}

impl Usage {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program is in brackets, and may hold anything. After it comes the third field (proc_pid_stat(5)).
        let fields = stat.rsplit_once(')')?.1.split_whitespace().collect::<Vec<_>>();
        let booted_at = fs::read_to_string("/proc/stat").ok()?;
        let booted_at = booted_at.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<f64>().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "there are 100 of them in a second")]
        let ticks = clock_ticks_per_second() as f64;
        Some(Self {
            cpu_seconds: (field::<f64>(&fields, 14)? + field::<f64>(&fields, 15)?) / ticks,
            started_at: booted_at + field::<f64>(&fields, 22)? / ticks,
            virtual_size: field(&fields, 23)?,
            resident: field::<u64>(&fields, 24)? * u64::try_from(page_size()).ok()?,
            // Reading the folder opens one more.
            open_files: fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1),
        })
    }

    fn write(&self, page: &mut Page) {
        page.counter("process_cpu_seconds_total", "Processor time, in seconds.").is(&[], self.cpu_seconds);
        page.gauge("process_start_time_seconds", "When it was started, in Unix seconds.").is(&[], self.started_at);
        page.gauge("process_resident_memory_bytes", "Memory that is really there.").is(&[], self.resident);
        page.gauge("process_virtual_memory_bytes", "Memory with what is only promised.").is(&[], self.virtual_size);
        page.gauge("process_open_fds", "Open files, with connections.").is(&[], self.open_files);
        let mut most = page.gauge("process_max_fds", "As many as there may be; none for no limit.");
        if let Some(limit) = getrlimit(Resource::Nofile).current {
            most.is(&[], limit);
        }
    }
}

/// A field by the number that the manual gives it.
fn field<T: FromStr>(fields: &[&str], number: usize) -> Option<T> {
    fields.get(number - 3)?.parse().ok()
}
