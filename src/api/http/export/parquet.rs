//! An export as Apache Parquet: rows are gathered column by column and written a group
//! at a time, on a thread that may take its time. One group is held, and no more of the
//! list than that.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::warn;

use super::columns::{COLUMNS, Cell, Column, Kind, Part, Take};
use crate::api::error;
use crate::api::http::frames::Messages;
use crate::domain::Date;
use crate::service::fault::Fault;

/// Most rows of a group: enough for columns to be worth having, few enough to be held.
const GROUP: usize = 50_000;

/// Pieces of the file that may wait for the client.
const IN_FLIGHT: usize = 2;

/// The file, a piece for each group of rows.
pub fn body(first: Part, messages: Messages, correlation_id: &str) -> Body {
    let (pieces, sent) = mpsc::channel(IN_FLIGHT);
    let correlation_id = correlation_id.to_owned();
    tokio::spawn(async move {
        if let Err(status) = write(first, messages, &pieces, &correlation_id).await {
            // A client that went away has nobody to tell.
            let _ = pieces.send(Err(status)).await;
        }
    });
    Body::from_stream(ReceiverStream::new(sent))
}

type Pieces = mpsc::Sender<std::result::Result<Bytes, Status>>;

/// Writes a file piece by piece, until it is whole or nobody wants it.
async fn write(
    first: Part,
    mut messages: Messages,
    pieces: &Pieces,
    correlation_id: &str,
) -> std::result::Result<(), Status> {
    let failed = |error: Option<ParquetError>| {
        let error = error.map_or_else(|| "the thread that wrote it ended".to_owned(), |error| error.to_string());
        warn!(correlation_id, error, "a Parquet file could not be written");
        error::status(&Fault::Internal, correlation_id)
    };
    let mut file = File::new().map_err(|error| failed(Some(error)))?;
    let mut group = Group::new();
    let mut part = Some(first);
    loop {
        let ended = part.is_none();
        if let Some(part) = &part {
            group.take(part);
        }
        if ended || group.rows >= GROUP {
            let rows = std::mem::replace(&mut group, Group::new());
            let written = tokio::task::spawn_blocking(move || file.write(&rows, ended).map(|piece| (file, piece)));
            let (going_on, piece) = written.await.map_err(|_| failed(None))?.map_err(|error| failed(Some(error)))?;
            file = going_on;
            if pieces.send(Ok(piece)).await.is_err() || ended {
                return Ok(());
            }
        }
        let next = tokio::select! {
            () = pieces.closed() => return Ok(()),
            next = messages.next() => next,
        };
        part = next.map(|message| Part::read(message?, correlation_id)).transpose()?;
    }
}

/// A file that is being written.
struct File(SerializedFileWriter<Vec<u8>>);

impl File {
    fn new() -> Result<Self> {
        let mut settings = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_created_by(concat!("steelyard version ", env!("CARGO_PKG_VERSION")).to_owned());
        for column in
            COLUMNS.iter().filter(|column| !column.is_shared() && matches!(column.kind, Kind::Text | Kind::Whole))
        {
            // Hardly any value is there twice.
            settings = settings.set_column_dictionary_enabled(ColumnPath::from(column.name), false);
        }
        let fields = COLUMNS.iter().map(|column| declared(column).map(Arc::new)).collect::<Result<_>>()?;
        let schema = Type::group_type_builder("standings").with_fields(fields).build()?;
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(settings.build())).map(Self)
    }

    /// Writes a group, and the end of the file where it is the last. What came of that is handed out.
    fn write(&mut self, group: &Group, last: bool) -> Result<Bytes> {
        if group.rows > 0 {
            let mut rows = self.0.next_row_group()?;
            let mut columns = group.columns.iter();
            while let Some(mut writer) = rows.next_column()? {
                let column = columns.next().ok_or_else(|| ParquetError::General("a column too many".to_owned()))?;
                column.write(writer.untyped())?;
                writer.close()?;
            }
            rows.close()?;
        }
        if last {
            self.0.finish()?;
        }
        self.0.flush()?;
        // The writer counts what it has written by itself.
        Ok(std::mem::take(self.0.inner_mut()).into())
    }
}

/// A column as the file declares it.
fn declared(column: &Column) -> Result<Type> {
    let (physical, logical) = match column.kind {
        Kind::Text | Kind::Word { .. } => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
        // With a sign, which every reader of the format knows.
        Kind::Whole => (Physical::INT64, Some(LogicalType::integer(64, true))),
        Kind::Truth => (Physical::BOOLEAN, None),
    };
    let repetition = if column.empty.is_some() { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    Type::primitive_type_builder(column.name, physical).with_logical_type(logical).with_repetition(repetition).build()
}

/// Rows of a group, column by column.
struct Group {
    rows: usize,
    columns: Vec<Filled>,
}

/// Values of a column so far.
struct Filled {
    column: &'static Column,
    values: Values,
    /// For each row, 1 where there is a value; none for a column that is never empty.
    there: Vec<i16>,
}

enum Values {
    Texts(Vec<ByteArray>),
    Days(Vec<i32>),
    Wholes(Vec<i64>),
    Truths(Vec<bool>),
}

impl Group {
    fn new() -> Self {
        let columns = COLUMNS.iter().map(|column| {
            let values = match column.kind {
                Kind::Text | Kind::Word { .. } => Values::Texts(Vec::new()),
                Kind::Date => Values::Days(Vec::new()),
                Kind::Whole => Values::Wholes(Vec::new()),
                Kind::Truth => Values::Truths(Vec::new()),
            };
            Filled { column, values, there: Vec::new() }
        });
        Self { rows: 0, columns: columns.collect() }
    }

    fn take(&mut self, part: &Part) {
        self.rows += part.standings.len();
        for filled in &mut self.columns {
            match filled.column.take {
                Take::Part(take) => filled.repeat(take(part), part.standings.len()),
                Take::Row(take) => part.standings.iter().for_each(|standing| filled.push(take(standing))),
            }
        }
    }
}

impl Filled {
    fn push(&mut self, cell: Cell<'_>) {
        self.repeat(cell, 1);
    }

    /// Takes a value for so many rows.
    fn repeat(&mut self, cell: Cell<'_>, rows: usize) {
        let taken = match (&mut self.values, cell) {
            (Values::Texts(texts), Cell::Text(text)) => {
                let text = ByteArray::from(Bytes::copy_from_slice(text.as_bytes()));
                texts.extend(std::iter::repeat_n(text, rows));
                true
            }
            (Values::Texts(texts), Cell::Word(word)) => {
                let word = ByteArray::from(Bytes::from_static(word.as_bytes()));
                texts.extend(std::iter::repeat_n(word, rows));
                true
            }
            (Values::Days(days), Cell::Date(text)) => {
                let date: Option<Date> = text.parse().ok();
                days.extend(date.into_iter().flat_map(|date| std::iter::repeat_n(date.days(), rows)));
                date.is_some()
            }
            (Values::Wholes(wholes), Cell::Whole(number)) => {
                let number = i64::try_from(number).ok();
                wholes.extend(number.into_iter().flat_map(|number| std::iter::repeat_n(number, rows)));
                number.is_some()
            }
            (Values::Truths(truths), Cell::Truth(truth)) => {
                truths.extend(std::iter::repeat_n(truth, rows));
                true
            }
            // Nothing, or what a column of this kind cannot hold.
            _ => false,
        };
        if self.column.empty.is_some() {
            self.there.extend(std::iter::repeat_n(i16::from(taken), rows));
        }
    }

    /// Writes the values. A column that is never empty and lacks one is a fault of the whole file.
    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let there = self.column.empty.is_some().then_some(&self.there[..]);
        match (&self.values, writer) {
            (Values::Texts(texts), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(texts, there, None)
            }
            (Values::Days(days), ColumnWriter::Int32ColumnWriter(writer)) => writer.write_batch(days, there, None),
            (Values::Wholes(wholes), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(wholes, there, None)
            }
            (Values::Truths(truths), ColumnWriter::BoolColumnWriter(writer)) => writer.write_batch(truths, there, None),
            _ => Err(ParquetError::General(format!("{} is not what it was declared as", self.column.name))),
        }
        .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::super::columns::tests::{context, standing};
    use super::*;
    use crate::pb;

    fn part(standings: Vec<pb::Standing>) -> Part {
        Part { list: pb::List::Wanted, context: context(), standings }
    }

    fn read(file: Vec<u8>) -> (usize, Vec<Vec<(String, Field)>>) {
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        let rows = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns()).collect();
        (reader.num_row_groups(), rows)
    }

    #[test]
    fn what_is_written_in_pieces_is_read_as_one_file() {
        let mut file = File::new().unwrap();
        let mut bytes = Vec::new();
        for (number, last) in [(1, false), (2, false), (3, true)] {
            let mut group = Group::new();
            let bare = pb::Standing {
                subject_ref: format!("=B-{number}"),
                effective_band: 1,
                computed_band: 1,
                ..Default::default()
            };
            group.take(&part(vec![standing(&format!("S-{number}"), number)]));
            group.take(&part(vec![bare]));
            bytes.extend_from_slice(&file.write(&group, last).unwrap());
        }
        let (groups, rows) = read(bytes);
        assert_eq!((groups, rows.len()), (3, 6));
        let names: Vec<_> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>());
        let day = "2026-02-10".parse::<Date>().unwrap().days();
        let value = |row: usize, name: &str| rows[row].iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!(value(4, "subject_ref"), Field::Str("S-3".to_owned()));
        assert_eq!(value(4, "position"), Field::Long(3));
        assert_eq!(value(4, "effective_band"), Field::Str("VERY_HIGH".to_owned()));
        assert_eq!(value(4, "outstanding_since"), Field::Date(day));
        assert_eq!(value(4, "provisional"), Field::Bool(true));
        assert_eq!(value(5, "subject_ref"), Field::Str("=B-3".to_owned()));
        assert_eq!(value(5, "outstanding_since"), Field::Null);
        assert_eq!(value(5, "cohort_status"), Field::Null);
        assert_eq!(value(5, "revision"), Field::Long(20_114));
    }

    #[test]
    fn an_empty_list_is_a_file_with_columns_and_no_rows() {
        let mut file = File::new().unwrap();
        let bytes = file.write(&Group::new(), true).unwrap();
        let reader = SerializedFileReader::new(bytes).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
        assert_eq!(reader.metadata().file_metadata().schema_descr().num_columns(), COLUMNS.len());
    }

    #[test]
    fn a_row_without_what_is_never_empty_is_refused() {
        let mut group = Group::new();
        group.take(&part(vec![pb::Standing::default()]));
        assert!(File::new().unwrap().write(&group, true).is_err());
    }
}
