import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

/** Writes and reads a table: URL, user, password, table, then driver options as name=value. */
public class Reader {
  public static void main(String[] arguments) throws Exception {
    Properties options = new Properties();
    options.setProperty("user", arguments[1]);
    options.setProperty("password", arguments[2]);
    String table = arguments[3];
    for (int index = 4; index < arguments.length; index++) {
      String[] option = arguments[index].split("=");
      options.setProperty(option[0], option[1]);
    }
    try (Connection connection = DriverManager.getConnection(arguments[0], options);
        Statement statement = connection.createStatement()) {
      System.out.println("version " + connection.getMetaData().getDatabaseMajorVersion());
      statement.execute(
          "CREATE TABLE " + table + " (a UInt32 COMMENT 'a number', b String)"
              + " ENGINE = MergeTree ORDER BY a COMMENT 'of a test'");
      System.out.println(
          "written " + statement.executeUpdate("INSERT INTO " + table + " VALUES (1, 'x'), (2, 'y')"));
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO " + table + " (a, b) VALUES (?, ?)")) {
        for (int number = 3; number <= 100; number++) {
          insert.setInt(1, number);
          insert.setString(2, "대화" + number);
          insert.addBatch();
        }
        insert.executeBatch();
      }
      try (PreparedStatement query =
          connection.prepareStatement("SELECT count(), max(b) FROM " + table + " WHERE a > ?")) {
        query.setInt(1, 50);
        ResultSet found = query.executeQuery();
        found.next();
        System.out.println("read " + found.getLong(1) + " " + found.getString(2));
      }
      ResultSet many = statement.executeQuery("SELECT number, toString(number) FROM numbers(300000)");
      long rows = 0;
      while (many.next()) {
        rows++;
      }
      System.out.println("streamed " + rows);
      ResultSet tables = connection.getMetaData().getTables(null, "default", table, null);
      tables.next();
      System.out.println("table " + tables.getString("REMARKS"));
      ResultSet columns = connection.getMetaData().getColumns(null, "default", table, "a");
      columns.next();
      System.out.println("column " + columns.getString("TYPE_NAME") + " " + columns.getString("REMARKS"));
      try {
        statement.executeQuery("SELECT nothing FROM " + table);
      } catch (SQLException problem) {
        System.out.println("error " + problem.getErrorCode());
      }
    }
  }
}
