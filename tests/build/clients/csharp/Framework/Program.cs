using System;
using System.Linq;
using System.Reflection;
using System.Runtime.Versioning;
using ArrivalDelayClient;

public static class Program
{
    public static void Main()
    {
        using (var model = new ArrivalDelay())
        {
            var row = new ArrivalDelayRow(
                carrier: "UA",
                origin: "EWR",
                dest: "ORD",
                temp: 60.1,
                dewp: 41.0,
                humid: 49.6,
                windDir: 280,
                windSpeed: 12.7,
                windGust: null,
                precip: 0,
                pressure: 1012.3,
                visib: 10,
                planeYear: 2003,
                seats: 178,
                model: null,
                schedDepTime: 1430,
                schedArrTime: 1612);
            Console.WriteLine(model.Predict(row).Value);
            Console.WriteLine(model.SelfTest());
            Console.WriteLine(typeof(ArrivalDelay).Assembly.GetCustomAttribute<TargetFrameworkAttribute>().FrameworkName);
        }
    }
}
